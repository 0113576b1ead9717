/** What commands and menus do to the graph. */

import {
  addFrame,
  arranged,
  boxOf,
  CannotCollapse,
  collapsed,
  edit,
  estimated,
  expanded,
  foldedOf,
  framed,
  kindsNow,
  moved,
  movedInFrames,
  open,
  own,
  present,
  readWorkflow,
  select,
  withFolded,
  withFrames,
  framesOf,
  EMPTY,
} from "../graph";
import { ask } from "../ui/question";
import { say } from "../ui/say";
import { api, sentence } from "../server";
import { openStored } from "../panels";
import { selection } from "../canvas/clipping";
import { drawnSizes, fitAll, roomySizes } from "../canvas/viewport";

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

/** Make one node of what is chosen. */
export async function collapseChosen() {
  const names = selection();
  if (names.size === 0) return;
  const title = await ask({ title: "Collapse to a template", label: "Name", value: "Part" });
  if (!title) return;
  try {
    const [workflow, name] = collapsed(present(), names, title, kindsNow());
    edit("collapse", () => workflow);
    select([name]);
  } catch (error) {
    if (!(error instanceof CannotCollapse)) throw error;
    say(error.message);
  }
}

/** Put the nodes of a template in the place of its node. */
export async function expandNode(name: string) {
  try {
    const template = own(present().templates, own(present().nodes, name)?.type ?? "");
    const inside = template ?? (await registered(name));
    const templates = { ...present().templates, ...inside.templates };
    const [workflow, names] = expanded({ ...present(), templates }, name, inside);
    const places = arranged(workflow, estimated(workflow, kindsNow()), new Set(names));
    const placed = names.every((one) => own(inside.view, one)) ? workflow : moved(workflow, places);
    edit("expand", () => placed);
    select(names);
  } catch (error) {
    say(`${name} cannot be expanded: ${sentence(error)}`);
  }
}

/** Show the inside of a template as a workflow of its own. */
export async function openTemplate(name: string) {
  try {
    const type = own(present().nodes, name)?.type ?? "";
    const template = own(present().templates, type);
    const inside = template ?? (await registered(name));
    open({ ...EMPTY, ...inside, templates: { ...present().templates, ...inside.templates } });
  } catch (error) {
    say(`${name} cannot be opened: ${sentence(error)}`);
  }
}

/** A template that the server knows: `CannyPortraits` is the workflow `canny-portraits`. */
async function registered(name: string) {
  const type = own(present().nodes, name)?.type ?? "";
  const entries = await api.workflows();
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const entry = entries.find((one) => plain(one.name) === plain(type));
  if (!entry) throw new Error(`the server has no workflow for ${type}`);
  const [workflow] = await openStored(entry.name);
  return readWorkflow(workflow);
}

export function foldChosen() {
  const names = selection();
  const folded = foldedOf(present());
  const all = [...names].every((name) => folded.has(name));
  edit(all ? "unfold" : "fold", (workflow) => withFolded(workflow, names, !all));
}
