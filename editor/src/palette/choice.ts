/** What a choice of the palette does: add a node, and connect it. */

import { centred, flowPoint, focusNode } from "../canvas/viewport";
import { describedAt, type Port } from "../card/ports/wireDrag";
import {
  addNode,
  connect,
  edit,
  editor,
  kindsNow,
  leadsRound,
  own,
  present,
  select,
  type Input,
  type Workflow,
} from "../graph";
import type { Asking } from "../ui/pick";
import type { Choice } from "./Palette";
import { matched, takes } from "./search";

/** A port of a node in the graph that a wire can end in. */
export interface Existing {
  readonly node: string;
  readonly port: string;
  readonly title: string;
}

/** Ports of other nodes that take the wire; those of the nodes that were found by what was typed. */
export function existingOffers(from: Port, typed: string): Existing[] {
  const described = describedAt(from);
  const workflow = present();
  const kinds = kindsNow(editor.getState());
  if (!described) return [];
  return Object.entries(workflow.nodes).flatMap(([node, call]) => {
    const kind = own(kinds, call.type);
    if (!kind || node === from.node || isRound(workflow, from, node)) return [];
    const ports = from.side === "out" ? kind.inputs : kind.outputs;
    return Object.keys(ports)
      .filter((port) => {
        const other = ports[port];
        return other !== undefined && takes(from.side, described, other);
      })
      .filter((port) => !typed || matched(typed.toLowerCase(), `${node} ${port}`) > 0)
      .map((port) => ({ node, port, title: kind.title }));
  });
}

/** Do what was chosen, as one step. */
export function choose(asking: Asking, choice: Choice) {
  if (choice.sort === "existing") {
    const { from } = asking;
    if (from) edit("connect", (workflow) => joined(workflow, from, choice.node, choice.port));
    return;
  }
  const added: { name?: string } = {};
  edit(`add ${choice.kind.title}`, (workflow) => {
    const place = flowPoint(asking.x, asking.y);
    const [more, name] = addNode(workflow, choice.kind.type, asking.from ? place : centred(place));
    added.name = name;
    const { from } = asking;
    return from && choice.port !== undefined ? joined(more, from, name, choice.port) : more;
  });
  if (!added.name) return;
  select([added.name]);
  if (asking.byName) focusNode(added.name);
}

/** Connect a port with one of another node, whichever of them is the output. */
export function joined(workflow: Workflow, from: Port, node: string, port: string): Workflow {
  const [source, target] =
    from.side === "out"
      ? [`${from.node}.${from.port}`, { node, input: port }]
      : [`${node}.${port}`, { node: from.node, input: from.port }];
  const kind = own(kindsNow(editor.getState()), own(workflow.nodes, target.node)?.type ?? "");
  const input: Input | undefined = own(kind?.inputs ?? {}, target.input);
  return connect(workflow, source, target.node, target.input, input);
}

function isRound(workflow: Workflow, from: Port, node: string): boolean {
  return from.side === "out"
    ? leadsRound(workflow, from.node, node)
    : leadsRound(workflow, node, from.node);
}
