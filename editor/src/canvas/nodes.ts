/** The nodes that React Flow draws for a document: its calls and its frames. */

import type { Node } from "@xyflow/react";

import type { CallNode } from "../card/callNode";
import {
  addresses,
  foldedOf,
  framesOf,
  kindsNow,
  own,
  placeOf,
  same,
  split,
  type Frame,
  type Workflow,
} from "../graph";

export type FrameNode = Node<{ readonly title: string }, "frame">;
export type FlowNode = CallNode | FrameNode;
const FRAME = "frame:";
export const frameId = (id: string) => FRAME + id;
export const frameOf = (id: string) => (id.startsWith(FRAME) ? id.slice(FRAME.length) : undefined);

export function nodesOf(
  workflow: Workflow,
  selected: ReadonlySet<string>,
  before: readonly FlowNode[],
): FlowNode[] {
  const drawn = new Map(before.map((node) => [node.id, node]));
  const folded = foldedOf(workflow);
  const strays = straysOf(workflow);
  const frames = framesOf(workflow).map((frame) => frameNode(frame, drawn.get(frameId(frame.id))));
  const calls = Object.keys(workflow.nodes).map((name) => {
    const [x, y] = placeOf(workflow, name) ?? [0, 0];
    const data = { folded: folded.has(name), strays: strays.get(name) ?? NONE };
    const next = { id: name, type: "call" as const, position: { x, y }, data };
    return reused({ ...next, selected: selected.has(name) }, drawn.get(name));
  });
  return [...frames, ...calls];
}

const NONE: readonly string[] = [];

function frameNode(frame: Frame, before: FlowNode | undefined): FlowNode {
  const [width, height] = frame.size;
  const node: FrameNode = {
    id: frameId(frame.id),
    type: "frame",
    position: { x: frame.at[0], y: frame.at[1] },
    width,
    height,
    zIndex: -1,
    dragHandle: ".frame-title",
    data: { title: frame.title },
    selected: before?.selected ?? false,
  };
  return reused(node, before);
}

/** The node as it was drawn, if nothing about it is different: its size stays known. */
function reused<T extends FlowNode>(next: T, before: FlowNode | undefined): FlowNode {
  if (!before) return next;
  const unchanged =
    same(before.position, next.position) &&
    same(before.data, next.data) &&
    (before.selected ?? false) === (next.selected ?? false) &&
    before.width === next.width &&
    before.height === next.height;
  return unchanged ? before : ({ ...before, ...next } as FlowNode);
}

/** Outputs that wires or results name, by node: one that its kind has not is drawn all the same. */
function straysOf(workflow: Workflow): Map<string, string[]> {
  const used = new Map<string, Set<string>>();
  const note = (address: string) => {
    const [node, port] = split(address);
    used.set(node, (used.get(node) ?? new Set()).add(port));
  };
  for (const call of Object.values(workflow.nodes)) {
    for (const link of Object.values(call.links)) addresses(link).forEach(note);
  }
  Object.values(workflow.results).forEach(note);
  const kinds = kindsNow();
  const strays = new Map<string, string[]>();
  for (const [name, ports] of used) {
    const outputs = own(kinds, own(workflow.nodes, name)?.type ?? "")?.outputs ?? {};
    const stray = [...ports].filter((port) => own(outputs, port) === undefined);
    if (stray.length > 0) strays.set(name, stray);
  }
  return strays;
}
