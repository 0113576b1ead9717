/** The clipboard of the canvas: the system's where the browser lets us, else our own. */

import { copied, edit, NotAWorkflow, pasted, placeOf, present, select, type Place } from "../graph";
import { say } from "../ui/say";
import { removeChosen, selection } from "./selection";
import { flowPoint, pointerOnWindow } from "./viewport";

let own = "";
let times = 0;

/** The text of what is chosen; empty where nothing is. */
export function clip(): string {
  const names = selection();
  if (names.size === 0) return "";
  own = copied(present(), names);
  times = 0;
  return own;
}

export function copy() {
  const text = clip();
  if (text) void navigator.clipboard?.writeText(text).catch(() => undefined);
}

export function cut() {
  copy();
  removeChosen("cut");
}

/** Paste what the system's clipboard holds. */
export async function paste(incoming = false) {
  const text = await navigator.clipboard?.readText().catch(() => own);
  pasteText(text || own, incoming);
}

/** Put a text's nodes at the pointer; pasted again there, they go a little aside. */
export function pasteText(text: string, incoming = false, at?: Place) {
  if (!text.trim()) return;
  try {
    const [x, y] = at ?? flowPoint(...pointerOnWindow());
    const aside = 24 * times++;
    put(text, { at: [x + aside, y + aside], incoming }, "paste");
  } catch (error) {
    if (!(error instanceof NotAWorkflow)) throw error;
    say(`Nothing to paste: ${error.message}.`);
  }
}

/** Leave a copy of nodes where they are, before they are dragged away; the drag is the same step. */
export function leaveCopy(names: ReadonlySet<string>, key: string) {
  const places = [...names].map((name) => placeOf(present(), name) ?? [0, 0]);
  const at: Place = [Math.min(...places.map(([x]) => x)), Math.min(...places.map(([, y]) => y))];
  const text = copied(present(), names);
  edit("copy by dragging", (workflow) => pasted(workflow, text, { at, incoming: true })[0], key);
}

/** Copy what is chosen beside itself, with the wires that come in. */
export function duplicate() {
  const names = selection();
  if (names.size === 0) return;
  const places = [...names].map((name) => placeOf(present(), name) ?? [0, 0]);
  const at: Place = [
    Math.min(...places.map(([x]) => x)) + 40,
    Math.min(...places.map(([, y]) => y)) + 40,
  ];
  put(copied(present(), names), { at, incoming: true }, "duplicate");
}

function put(text: string, pasting: { at: Place; incoming: boolean }, label: string) {
  let names: readonly string[] = [];
  edit(label, (workflow) => {
    const [next, added] = pasted(workflow, text, pasting);
    names = added;
    return next;
  });
  select(names);
}
