/** The nodes and frames that are chosen, and their removal. */

import { edit, framesOf, kindsNow, removeNodes, shown, withFrames } from "../graph";
import { flow } from "./flow";
import { frameOf } from "./nodes";

export function selection(): ReadonlySet<string> {
  return shown()?.selected ?? new Set();
}

/** The frames that are chosen: React Flow knows, as they are no nodes of the document. */
export function chosenFrames(): ReadonlySet<string> {
  const chosen = flow.getState().nodes.filter((node) => node.selected);
  return new Set(chosen.flatMap((node) => frameOf(node.id) ?? []));
}

export function removeChosen(label = "delete") {
  const names = selection();
  const frames = chosenFrames();
  if (names.size + frames.size === 0) return;
  const items = names.size ? count(names.size) : "a frame";
  edit(`${label} ${items}`, (workflow) =>
    withFrames(
      removeNodes(workflow, names, kindsNow()),
      framesOf(workflow).filter((frame) => !frames.has(frame.id)),
    ),
  );
}

export function count(number: number): string {
  return number === 1 ? "a node" : `${number} nodes`;
}
