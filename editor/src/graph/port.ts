/** A port of a node in the document, and the ports that a wire from there fits, from either side. */

import { fits, inputsFor, outputsFor } from "./fit";
import type { Input, Kind, Output } from "./kinds";
import { own } from "./records";
import { kindOf } from "./session/store";
import { leadsRound } from "./wires";
import type { Workflow } from "./workflow";

export type PortSide = "in" | "out";

export interface Port {
  readonly node: string;
  readonly side: PortSide;
  readonly port: string;
}

/** The description of a port, by the kind of its node. */
export function describedAt({ node, side, port }: Port): Input | Output | undefined {
  const kind = kindOf(node);
  return own((side === "in" ? kind?.inputs : kind?.outputs) ?? {}, port);
}

/** Whether a wire from a port described so fits `other`, a port of the opposite side. */
export function fitsFrom(side: PortSide, described: Input | Output, end: Input | Output): boolean {
  return side === "out" ? fits(described, end as Input) : fits(end, described as Input);
}

/** The ports of a kind that a wire from a port described so fits, the likeliest first. */
export function portsFor(side: PortSide, described: Input | Output, kind: Kind): string[] {
  return side === "out" ? inputsFor(described, kind) : outputsFor(described, kind);
}

/** Whether a wire between a port and another node would lead round to where it began. */
export function leadsRoundFrom(workflow: Workflow, from: Port, node: string): boolean {
  return from.side === "out"
    ? leadsRound(workflow, from.node, node)
    : leadsRound(workflow, node, from.node);
}
