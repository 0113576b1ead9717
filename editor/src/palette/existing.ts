/** Ports of nodes in the graph that a wire can end in, by what was typed. */

import { describedAt, fitsFrom, kindsNow, leadsRoundFrom, own, present, type Port } from "../graph";
import { matched } from "./search";

export interface ExistingPort {
  readonly node: string;
  readonly port: string;
  readonly title: string;
}

/** Ports of other nodes that take the wire; those of the nodes whose name holds what was typed. */
export function existingPorts(from: Port, typed: string): ExistingPort[] {
  const described = describedAt(from);
  const workflow = present();
  const kinds = kindsNow();
  if (!described) return [];
  return Object.entries(workflow.nodes).flatMap(([node, call]) => {
    const kind = own(kinds, call.type);
    if (!kind || node === from.node || leadsRoundFrom(workflow, from, node)) return [];
    const ports = from.side === "out" ? kind.inputs : kind.outputs;
    return Object.keys(ports)
      .filter((port) => {
        const end = ports[port];
        return end !== undefined && fitsFrom(from.side, described, end);
      })
      .filter((port) => !typed || matched(typed.toLowerCase(), `${node} ${port}`) > 0)
      .map((port) => ({ node, port, title: kind.title }));
  });
}
