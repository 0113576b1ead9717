/**
 * Drafts: the open documents of each browser tab as JSON, so that no reload loses work.
 *
 * Each document is an entry of its own, which only its tab writes: one that has no room or cannot be
 * read is no loss to the others, and no tab can write over what another has open. What cannot be read
 * stays where it is until the user says otherwise.
 */

import { readWorkflow, toDocument } from "../document";
import { same } from "../records";
import { keysOf, putText, type Keep } from "./browserStorage";
import { startOf } from "./history";
import { isDirty, type OpenDocument } from "./openDocument";

/** `nodegraph.drafts.TAB` has the order of the tab's documents, `nodegraph.drafts.TAB.ID` one of them. */
const PREFIX = "nodegraph.drafts.";

/** The form of an entry; a page reads none that is newer than it is. */
const FORM = 2;

/** How the documents of a tab lie. */
export interface Order {
  readonly active: string;
  readonly ids: readonly string[];
}

/** A kept document that this page does not open: it cannot be read, or could not be drawn. */
export interface Aside {
  readonly tab: string;
  readonly id: string;
  readonly title: string;
  /** Why, as a sentence for the user. */
  readonly reason: string;
  /** Whatever there is of it, for a file. */
  readonly text: string;
}

/** What is kept of a tab. */
export interface Draft {
  readonly active: string;
  readonly documents: readonly OpenDocument[];
  readonly aside: readonly Aside[];
}

/** Keep a document as it is; false where the browser has no room for it. */
export function keepDocument(storage: Keep, tab: string, open: OpenDocument): boolean {
  return putText(storage, keyOf(tab, open.id), JSON.stringify(entryOf(open)));
}

export function keepOrder(storage: Keep, tab: string, order: Order): boolean {
  return putText(storage, PREFIX + tab, JSON.stringify(order));
}

/** Whether a key is one of those that a tab keeps its documents under. */
export function isOfTab(key: string, tab: string): boolean {
  return key === PREFIX + tab || key.startsWith(keyOf(tab, ""));
}

export function forgetDocument(storage: Keep, tab: string, id: string) {
  storage.removeItem(keyOf(tab, id));
}

/** Leave a document where it is kept, but do not open it again; false where it is not kept. */
export function putAside(storage: Keep, tab: string, id: string, reason: string): boolean {
  try {
    const entry = JSON.parse(storage.getItem(keyOf(tab, id)) ?? "") as object;
    return putText(storage, keyOf(tab, id), JSON.stringify({ ...entry, aside: reason }));
  } catch {
    return false;
  }
}

/** Whether a document was put aside. */
export function isAside(storage: Keep, tab: string, id: string): boolean {
  return "aside" in loose(storage.getItem(keyOf(tab, id)) ?? "");
}

/** Read what is kept of a tab, without its undo. */
export function readDraft(storage: Keep, tab: string): Draft {
  const { active, ids } = orderOf(storage, tab);
  const documents: OpenDocument[] = [];
  const aside: Aside[] = [];
  for (const id of sorted(idsOf(storage, tab), ids)) {
    const text = storage.getItem(keyOf(tab, id)) ?? "";
    try {
      documents.push(opened(id, text));
    } catch (error) {
      aside.push({ tab, id, title: titleIn(text), reason: (error as Error).message, text: workflowIn(text) });
    }
  }
  return { active, documents, aside };
}

/** The browser tabs of which something is kept. */
export function draftedTabs(storage: Keep): string[] {
  const tabs = keysOf(storage).flatMap((key) => (key.startsWith(PREFIX) ? [partsOf(key)[0]] : []));
  return [...new Set(tabs)];
}

/**
 * Make the unsaved documents of tabs that are closed those of `tab`. Their saved ones are on the server,
 * so they go; what cannot be read stays.
 */
export function takeOver(storage: Keep, tab: string, closed: readonly string[]) {
  const own = orderOf(storage, tab);
  const taken: string[] = [];
  let active = own.active;
  for (const from of closed) {
    const draft = readDraft(storage, from);
    for (const document of draft.documents) {
      if (!isDirty(document)) forgetDocument(storage, from, document.id);
      else if (move(storage, keyOf(from, document.id), keyOf(tab, document.id))) {
        taken.push(document.id);
        if (document.id === draft.active || !active) active = document.id;
      }
    }
    storage.removeItem(PREFIX + from);
  }
  if (taken.length > 0) keepOrder(storage, tab, { active, ids: [...own.ids, ...taken] });
}

/** Let the saved documents of tabs that are closed go: whoever wants one opens it again. */
export function sweep(storage: Keep, closed: readonly string[]) {
  for (const tab of closed) {
    const { documents, aside } = readDraft(storage, tab);
    const saved = documents.filter((document) => !isDirty(document));
    for (const { id } of saved) forgetDocument(storage, tab, id);
    if (saved.length === documents.length && aside.length === 0) storage.removeItem(PREFIX + tab);
  }
}

/** An entry under another key. Both at once may have no room. */
function move(storage: Keep, from: string, to: string): boolean {
  const text = storage.getItem(from);
  if (text === null || storage.getItem(to) !== null) return false;
  if (putText(storage, to, text)) {
    storage.removeItem(from);
    return true;
  }
  storage.removeItem(from);
  if (putText(storage, to, text)) return true;
  putText(storage, from, text);
  return false;
}

function keyOf(tab: string, id: string): string {
  return `${PREFIX}${tab}.${id}`;
}

function partsOf(key: string): [tab: string, id: string] {
  const [tab = "", ...id] = key.slice(PREFIX.length).split(".");
  return [tab, id.join(".")];
}

function idsOf(storage: Keep, tab: string): string[] {
  const start = keyOf(tab, "");
  return keysOf(storage).flatMap((key) => (key.startsWith(start) ? [key.slice(start.length)] : []));
}

function sorted(ids: readonly string[], order: readonly string[]): string[] {
  const place = (id: string) => (order.includes(id) ? order.indexOf(id) : order.length);
  return [...ids].sort((left, right) => place(left) - place(right) || (left < right ? -1 : 1));
}

/** Documents without an order are in some order: it is never worth losing one. */
function orderOf(storage: Keep, tab: string): Order {
  try {
    const { active, ids } = JSON.parse(storage.getItem(PREFIX + tab) ?? "{}") as Partial<Order>;
    return { active: String(active ?? ""), ids: Array.isArray(ids) ? ids.map(String) : [] };
  } catch {
    return { active: "", ids: [] };
  }
}

function entryOf({ name, version, shipped, job, saved, history }: OpenDocument) {
  const present = toDocument(history.present);
  // Most documents are as they were saved; they need no room twice.
  const isSaved = saved !== null && same(saved, history.present);
  return { form: FORM, name, version, shipped, job, saved: isSaved ? true : saved && toDocument(saved), present };
}

interface Entry {
  readonly form: number;
  readonly name: string | null;
  readonly version: string | null;
  readonly shipped: boolean;
  readonly job: string | null;
  /** true: it is as it was saved. */
  readonly saved: unknown;
  readonly present: unknown;
  /** Why it is not to be opened. */
  readonly aside?: string;
}

function opened(id: string, text: string): OpenDocument {
  const entry = loose(text) as Partial<Entry>;
  if (entry.present === undefined && entry.form === undefined) throw new Error("what is kept of it is damaged");
  if (typeof entry.aside === "string") throw new Error(entry.aside);
  if (typeof entry.form === "number" && entry.form > FORM) {
    throw new Error("a newer version of this page kept it; reload the page");
  }
  const present = readWorkflow(entry.present);
  return {
    id,
    name: textOr(entry.name),
    version: textOr(entry.version),
    shipped: entry.shipped === true,
    job: textOr(entry.job),
    saved: entry.saved === true ? present : savedIn(entry.saved),
    history: startOf(present),
    selected: new Set(),
  };
}

/** As it was saved, if that can be told; else it counts as never saved, and nothing is replaced unasked. */
function savedIn(saved: unknown) {
  if (saved === null || saved === undefined) return null;
  try {
    return readWorkflow(saved);
  } catch {
    return null;
  }
}

function textOr(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function titleIn(text: string): string {
  const { present, name } = loose(text);
  const title = typeof present === "object" && present ? (present as { title?: unknown }).title : undefined;
  return textOr(title) || textOr(name) || "Untitled";
}

/** The workflow of an entry, as far as it is one: what a file should hold. */
function workflowIn(text: string): string {
  const { present } = loose(text);
  return present === undefined ? text : `${JSON.stringify(present, null, 2)}\n`;
}

function loose(text: string): { present?: unknown; name?: unknown } {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === "object" && entry !== null ? entry : {};
  } catch {
    return {};
  }
}
