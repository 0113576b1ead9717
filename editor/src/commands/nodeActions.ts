/** Nodes and frames: selected, tidied, framed, folded. */

import { drawnSizes, roomySizes } from "../canvas/drawnSizes";
import { selection } from "../canvas/selection";
import { fitAll } from "../canvas/viewport";
import {
  addFrame,
  arranged,
  boxOf,
  edit,
  foldedOf,
  framed,
  framesOf,
  movedInFrames,
  present,
  select,
  withFolded,
  withFrames,
} from "../graph";
import { ask } from "../ui/question";

export function selectAll() {
  select(Object.keys(present().nodes));
}

/** Put what is chosen (everything, where less than two nodes are) in order. */
export function tidy() {
  const chosen = selection();
  const names = chosen.size > 1 ? chosen : undefined;
  edit("tidy", (workflow) =>
    movedInFrames(workflow, arranged(workflow, roomySizes, names), roomySizes),
  );
  if (!names) requestAnimationFrame(fitAll);
}

/** Draw a frame round what is chosen. */
export async function frameChosen() {
  const box = boxOf(present(), [...selection()], drawnSizes);
  if (!box) return;
  const title = await ask({ title: "Frame", label: "Title of the frame", value: "Group" });
  if (title === null) return;
  const { at, size } = framed(box);
  edit("frame", (workflow) => addFrame(workflow, title, at, size));
}

export function removeFrames(ids: ReadonlySet<string>) {
  edit("delete frame", (workflow) =>
    withFrames(workflow, framesOf(workflow).filter((frame) => !ids.has(frame.id))),
  );
}

export function foldChosen() {
  const names = selection();
  const folded = foldedOf(present());
  const all = [...names].every((name) => folded.has(name));
  edit(all ? "unfold" : "fold", (workflow) => withFolded(workflow, names, !all));
}
