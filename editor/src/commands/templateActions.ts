/** Templates: made of the selection, expanded in place, opened in a tab. */

import { selection } from "../canvas/selection";
import {
  arranged,
  CannotCollapse,
  collapsed,
  edit,
  EMPTY,
  estimated,
  expanded,
  kindsNow,
  moved,
  open,
  own,
  present,
  readWorkflow,
  select,
} from "../graph";
import { openStored } from "../panels";
import { api, sentence } from "../server";
import { ask } from "../ui/question";
import { say } from "../ui/say";

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
    const placed = names.every((node) => own(inside.view, node)) ? workflow : moved(workflow, places);
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
  const entry = entries.find((entry) => plain(entry.name) === plain(type));
  if (!entry) throw new Error(`the server has no workflow for ${type}`);
  const [workflow] = await openStored(entry.name);
  return readWorkflow(workflow);
}
