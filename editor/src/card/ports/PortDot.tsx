import { Handle, Position } from "@xyflow/react";
import { memo, type CSSProperties } from "react";

import { typeName, type Input, type Output } from "../../graph";
import { colourOf, shapeOf } from "../colours";
import { useTakes } from "./wireDrag";
import { inHandle, outHandle } from "../callNode";

interface PortDotProps {
  readonly node: string;
  readonly side: "in" | "out";
  readonly port: string;
  readonly described: Input | Output | undefined;
  readonly linked: boolean;
}

/** Where wires begin and end: its colour and its shape tell what goes through. */
export const PortDot = memo(function PortDot({ node, side, port, described, linked }: PortDotProps) {
  const takes = useTakes({ node, side, port }, described);
  const colour = described ? colourOf(described) : "var(--bad)";
  const classes = [
    "port",
    described ? shapeOf(described) : "round",
    linked ? "linked" : "",
    takes === null ? "" : takes ? "takes" : "refuses",
  ];
  const type = described ? typeName(described) : "unknown";
  return (
    <Handle
      id={side === "in" ? inHandle(port) : outHandle(port)}
      type={side === "in" ? "target" : "source"}
      position={side === "in" ? Position.Left : Position.Right}
      className={classes.filter(Boolean).join(" ")}
      style={{ "--wire": colour } as CSSProperties}
      title={`${port}: ${type}`}
      data-port={`${side}:${port}`}
    />
  );
});
