/** New names of params and results, asked for and used wherever the old one was. */

import {
  edit,
  own,
  paramAt,
  present,
  renamePort,
  renameTemplatePort,
  resultAt,
  setLabel,
  shown,
  whyNotNamed,
  type OwnPorts,
} from "../../graph";
import { ask } from "../../ui/question";
import { carryEntered } from "../../panels/form/entered";
import { portOf } from "../callNode";

const WORDS = { params: "parameter", results: "result" } as const;

/** Rename one of the workflow's own params or results. */
export async function renameOwn(side: OwnPorts, old: string) {
  const name = await askName(side, old, present()[side]);
  const document = shown();
  if (name === null || !document) return;
  // What was entered for it in the form stays entered.
  if (side === "params") carryEntered(document, old, name);
  edit(`rename ${old}`, (workflow) => renamePort(workflow, side, old, name));
}

interface TemplatePort {
  readonly type: string;
  readonly side: OwnPorts;
  readonly old: string;
}

/** Rename a param or a result of a template that the workflow carries. */
export async function renameOfTemplate({ type, side, old }: TemplatePort) {
  const template = own(present().templates, type);
  const name = template ? await askName(side, old, template[side]) : null;
  if (name === null) return;
  edit(`rename ${old}`, (workflow) => renameTemplatePort(workflow, { type, side, old, name }));
}

/** Say what a param is called on the form. */
export async function labelParam(param: string) {
  const value = own(present().params, param)?.label ?? "";
  const label = await ask({ title: "Label on the form", label: `Label of ${param}`, value, optional: true });
  if (label !== null) edit("change a label", (workflow) => setLabel(workflow, param, label));
}

/** Rename what the focus is on, if that is on the form or a result; false where it is neither. */
export function renameFocused(): boolean {
  const port = focusedPort();
  const param = port?.side === "in" ? paramAt(present(), port.address) : undefined;
  const result = port?.side === "out" ? resultAt(present(), port.address) : undefined;
  if (param !== undefined) void renameOwn("params", param);
  if (result !== undefined) void renameOwn("results", result);
  return param !== undefined || result !== undefined;
}

function focusedPort() {
  const row = document.activeElement?.closest(".row");
  const node = row?.closest(".react-flow__node")?.getAttribute("data-id");
  const handle = row?.querySelector("[data-port]")?.getAttribute("data-port");
  if (!node || !handle) return undefined;
  return { side: handle.startsWith("in:") ? "in" : "out", address: `${node}.${portOf(handle)}` };
}

async function askName(side: OwnPorts, old: string, taken: Readonly<Record<string, unknown>>) {
  const word = WORDS[side];
  const refuse = (text: string) => (text === old ? undefined : whyNotNamed(text, word, taken));
  const name = await ask({ title: `Rename the ${word}`, label: `New name of ${old}`, value: old, refuse });
  return name === old ? null : name;
}
