import { BaseEdge, getBezierPath, type EdgeProps } from "@xyflow/react";
import { memo, type CSSProperties } from "react";

import type { FlowEdge } from "./edges";

/** A wire, in the colour of what goes through it. */
export const WireEdge = memo(function WireEdge(props: EdgeProps<FlowEdge>) {
  const [path] = getBezierPath(props);
  const style = { "--wire": props.data?.colour ?? "var(--quiet)" } as CSSProperties;
  return <BaseEdge id={props.id} path={path} style={style} interactionWidth={16} />;
});
