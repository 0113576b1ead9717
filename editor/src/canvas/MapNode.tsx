import type { MiniMapNodeProps } from "@xyflow/react";
import { useStore } from "zustand";

import { useIsWrong } from "../card/marks";
import { runs } from "../server";

/** A node on the overview, in the colour of how it fares. */
export function MapNode({ id, x, y, width, height, selected }: MiniMapNodeProps) {
  const phase = useStore(runs, ({ run }) => run.nodes[id]?.phase);
  const wrong = useIsWrong(id);
  const classes = ["map-node", wrong ? "wrong" : (phase ?? ""), selected ? "selected" : ""];
  if (id.startsWith("frame:")) classes.push("map-frame");
  return <rect className={classes.join(" ")} x={x} y={y} width={width} height={height} rx={6} />;
}
