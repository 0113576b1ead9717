/** The edges that React Flow draws for the wires of a document. */

import type { Edge } from "@xyflow/react";

import { inHandle, outHandle } from "../card/callNode";
import { colourOf } from "../card/colours";
import { own, same, wiresOf, type Kinds, type Wire, type Workflow } from "../graph";

export type FlowEdge = Edge<{ readonly wire: Wire; readonly colour: string }, "wire">;

export function edgesOf(
  workflow: Workflow,
  kinds: Kinds,
  before: readonly FlowEdge[],
): FlowEdge[] {
  const drawn = new Map(before.map((edge) => [edge.id, edge]));
  return wiresOf(workflow)
    .filter((wire) => own(workflow.nodes, wire.source) !== undefined)
    .map((wire) => {
      const kind = own(kinds, own(workflow.nodes, wire.source)?.type ?? "");
      const output = own(kind?.outputs ?? {}, wire.output);
      const colour = output ? colourOf(output) : "var(--bad)";
      const old = drawn.get(wire.id);
      if (old?.data && same(old.data.wire, wire) && old.data.colour === colour) return old;
      return {
        id: wire.id,
        type: "wire" as const,
        source: wire.source,
        sourceHandle: outHandle(wire.output),
        target: wire.target,
        targetHandle: inHandle(wire.input),
        data: { wire, colour },
        ariaLabel: `Wire from ${wire.source}.${wire.output} to ${wire.target}.${wire.input}`,
      };
    });
}
