/** Estimated sizes of nodes that have not been drawn yet. */

import type { Kind } from "../kinds";
import { elementOf, isWireOnly } from "../schema";
import type { Place } from "./places";
import { foldedOf } from "./folded";
import type { Call, Workflow } from "../workflow";
import { own } from "../records";

export type Sizes = (name: string) => Place;

/** As the style sheet has it: 16 rem. */
export const WIDTH = 256;

/** The box of pictures, which a node gets once it has some: room is left for it. */
export const STRIP = 153;

/** About how large a node will be, before it was drawn. */
export function estimated(workflow: Workflow, kinds: Readonly<Record<string, Kind>>): Sizes {
  const folded = foldedOf(workflow);
  return (name) => {
    const call = own(workflow.nodes, name);
    const kind = call && own(kinds, call.type);
    if (!call || !kind || folded.has(name)) return [WIDTH, 64];
    const rows = Object.keys(kind.inputs).reduce((sum, input) => sum + rowOf(input, kind, call), 0);
    const strip = showsPictures(kind) ? STRIP : 0;
    return [WIDTH, 44 + rows + 26 * Object.keys(kind.outputs).length + strip];
  };
}

function rowOf(input: string, kind: Kind, call: Call): number {
  const value = own(call.values, input);
  if (Array.isArray(value)) return 28 + 52 * value.length;
  const described = kind.inputs[input];
  const long = described && !isWireOnly(described) && /prompt|text$/.test(input);
  return long ? 84 : 28;
}

/** Whether what a node gives can be looked at. */
export function showsPictures(kind: Kind): boolean {
  return Object.values(kind.outputs).some((output) => elementOf(output).wire === "Image");
}
