/** Edits of the document by drawn wires: connected, led elsewhere, removed, or refused with a reason. */

import type { Connection } from "@xyflow/react";

import { portOf } from "../card/callNode";
import {
  connect,
  connectPorts,
  describedAt,
  disconnect,
  disconnectAll,
  edit,
  fits,
  kindOf,
  kindsNow,
  leadsRound,
  leadsRoundFrom,
  own,
  portsFor,
  present,
  reconnect,
  typeName,
  type Input,
  type Output,
  type Port,
  type Wire,
} from "../graph";
import { say } from "../ui/say";
import { flow } from "./flow";

type Ends = Pick<Connection, "source" | "sourceHandle" | "target" | "targetHandle">;

/** Why a wire cannot be drawn so; undefined where it can. */
export function refusal(ends: Ends): string | undefined {
  const output = describedAt({ node: ends.source, side: "out", port: portOf(ends.sourceHandle) });
  const input = describedAt({ node: ends.target, side: "in", port: portOf(ends.targetHandle) });
  if (ends.source === ends.target) return "A node cannot be connected with itself.";
  if (output && input && !fits(output as Output, input as Input)) {
    return `${portOf(ends.targetHandle)} takes ${typeName(input)}, but ${portOf(ends.sourceHandle)} is ${typeName(output)}.`;
  }
  return leadsRound(present(), ends.source, ends.target)
    ? `${ends.source} depends on ${ends.target}, so a wire back would lead round.`
    : undefined;
}

export function connectEnds(ends: Ends, more: boolean) {
  const input = portOf(ends.targetHandle);
  const described = describedAt({ node: ends.target, side: "in", port: input }) as Input | undefined;
  const address = `${ends.source}.${portOf(ends.sourceHandle)}`;
  edit("connect", (workflow) => connect(workflow, address, ends.target, input, described, more));
}

/** Let a wire begin or end elsewhere: one step, whichever end was moved. */
export function reconnectWire(wire: Wire, ends: Ends) {
  const input = portOf(ends.targetHandle);
  const address = `${ends.source}.${portOf(ends.sourceHandle)}`;
  const described = describedAt({ node: ends.target, side: "in", port: input }) as Input | undefined;
  edit("reconnect", (workflow) =>
    ends.target === wire.target && input === wire.input
      ? reconnect(workflow, wire.target, wire.input, wire.index, address)
      : connect(
          disconnect(workflow, wire.target, wire.input, wire.index, kindsNow()),
          address,
          ends.target,
          input,
          described,
        ),
  );
}

export function removeWire(wire: Wire) {
  edit("remove wire", (workflow) => disconnectAll(workflow, [wire], kindsNow()));
}

export function removeChosenWires() {
  const wires = flow.getState().edges.flatMap((edge) => (edge.selected && edge.data ? [edge.data.wire] : []));
  if (wires.length > 0) edit("remove wires", (workflow) => disconnectAll(workflow, wires, kindsNow()));
}

/** Connect a wire that was dropped on a node, not on a port, with the first of its ports that fits. */
export function connectWithNode(from: Port, node: string) {
  const described = describedAt(from);
  const call = own(present().nodes, node);
  const kind = kindOf(node);
  if (!described || !call || !kind || node === from.node) return;
  const ports = portsFor(from.side, described, kind);
  const free = ports.find((port) => own(call.links, port) === undefined) ?? ports[0];
  if (free === undefined) {
    say(`${node} has no ${from.side === "out" ? "input" : "output"} for ${typeName(described)}.`);
    return;
  }
  if (leadsRoundFrom(present(), from, node)) {
    say(`${from.node} and ${node} would depend on each other.`);
  } else {
    edit("connect", (workflow) => connectPorts(workflow, from, { node, port: free }, kindsNow()));
  }
}
