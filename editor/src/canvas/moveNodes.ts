/** Movement of nodes: what lies in a frame moves along, and the end of a drag is one step. */

import type { NodeChange, NodePositionChange } from "@xyflow/react";

import {
  edit,
  framesOf,
  moved,
  select,
  withFrame,
  type Place,
  type Workflow,
} from "../graph";
import { leaveCopy } from "./clipping";
import { frameOf, type FlowNode } from "./nodes";
import { changeNodes, flow } from "./flow";
import { drawnSizes } from "./drawnSizes";

/** The nodes that lie in the frames that are dragged; chosen when the drag begins. */
let passengers: ReadonlyMap<string, readonly string[]> = new Map();
let dragged = false;
/** The step that left a copy behind, which the end of the drag belongs to. */
let copy: string | null = null;

export function beginDrag(nodes: readonly FlowNode[], copies = false) {
  dragged = true;
  copy = null;
  if (copies) {
    copy = `copy ${Date.now()}`;
    leaveCopy(new Set(nodes.filter((node) => node.type === "call").map((node) => node.id)), copy);
  }
  const moving = new Set(nodes.map((node) => node.id));
  passengers = new Map(
    nodes
      .filter((node) => frameOf(node.id) !== undefined)
      .map((node) => [node.id, inside(node).filter((name) => !moving.has(name))]),
  );
}

/** Take React Flow's changes; those that end a movement become one step of the document. */
export function takeChanges(changes: NodeChange<FlowNode>[]) {
  const all = [...changes.filter((change) => change.type !== "remove"), ...carried(changes)];
  changeNodes(all);
  if (changes.some((change) => change.type === "select")) chooseDrawn();
  const ended = all.filter((change): change is NodePositionChange => change.type === "position" && !change.dragging);
  const resized = changes.some((change) => change.type === "dimensions" && change.resizing === false);
  if (ended.length > 0 || resized) commit(ended.map((change) => change.id), resized);
}

function chooseDrawn() {
  const chosen = flow.getState().nodes.filter((node) => node.selected && node.type === "call");
  select(chosen.map((node) => node.id));
}

/** The changes of the nodes in frames that are moved. */
function carried(changes: NodeChange<FlowNode>[]): NodePositionChange[] {
  const { nodes } = flow.getState();
  const at = new Map(nodes.map((node) => [node.id, node.position]));
  return changes.flatMap((change) => {
    if (change.type !== "position" || !change.position) return [];
    const before = at.get(change.id);
    const names = passengers.get(change.id) ?? [];
    if (!before) return [];
    const [x, y] = [change.position.x - before.x, change.position.y - before.y];
    return names.flatMap((id): NodePositionChange[] => {
      const place = at.get(id);
      if (!place) return [];
      const position = { x: place.x + x, y: place.y + y };
      return [{ type: "position", id, position, dragging: change.dragging ?? false }];
    });
  });
}

function commit(ids: readonly string[], resized: boolean) {
  const drawn = new Map(flow.getState().nodes.map((node) => [node.id, node]));
  const places: Record<string, Place> = {};
  for (const id of ids) {
    const node = drawn.get(id);
    if (node?.type === "call") places[id] = [node.position.x, node.position.y];
  }
  // Presses of an arrow key come one by one, but are one movement to the user.
  const nudge = dragged || resized ? undefined : `nudge ${[...ids].sort().join(" ")}`;
  edit(
    copy === null ? "move" : "copy by dragging",
    (workflow) => withDrawnFrames(moved(workflow, places), drawn),
    copy ?? nudge,
    copy === null ? undefined : Infinity,
  );
  dragged = false;
  copy = null;
}

/** Frames as they are drawn now. */
function withDrawnFrames(workflow: Workflow, drawn: ReadonlyMap<string, FlowNode>): Workflow {
  return framesOf(workflow).reduce((changed, frame) => {
    const node = drawn.get(`frame:${frame.id}`);
    if (!node) return changed;
    const size: Place = [
      Math.round(node.measured?.width ?? node.width ?? frame.size[0]),
      Math.round(node.measured?.height ?? node.height ?? frame.size[1]),
    ];
    const at: Place = [Math.round(node.position.x), Math.round(node.position.y)];
    return withFrame(changed, frame.id, { at, size });
  }, workflow);
}

function inside(frame: FlowNode): string[] {
  const { x, y } = frame.position;
  const right = x + (frame.measured?.width ?? frame.width ?? 0);
  const bottom = y + (frame.measured?.height ?? frame.height ?? 0);
  return flow
    .getState()
    .nodes.filter((node) => {
      if (node.type !== "call") return false;
      const [width, height] = drawnSizes(node.id);
      const [middleX, middleY] = [node.position.x + width / 2, node.position.y + height / 2];
      return middleX > x && middleX < right && middleY > y && middleY < bottom;
    })
    .map((node) => node.id);
}
