/**
 * Entered values of forms, kept in the browser: those of each open document for itself, so that two tabs
 * do not mix theirs, and the last ones of each saved workflow, for when it is opened again.
 */

import { keysOf, localKeep, own, putText, type Keep } from "../../graph";
import type { Entered } from "./values";

/** An open document, and what it is saved as. */
export interface FormOf {
  readonly id: string;
  readonly name: string | null;
}

const OPEN = "nodegraph.open-form.";
const NAMED = "nodegraph.form.";

export function readEntered({ id, name }: FormOf): Entered {
  const storage = localKeep();
  // Earlier versions kept those of a document without a name under its id.
  return entriesAt(storage, OPEN + id) ?? entriesAt(storage, NAMED + (name ?? id)) ?? {};
}

/** Keep what was entered; false where the browser has no room for it. */
export function keepEntered({ id, name }: FormOf, entered: Entered): boolean {
  const text = JSON.stringify(entered);
  if (name !== null) putText(localKeep(), NAMED + name, text);
  return putText(localKeep(), OPEN + id, text);
}

/** What was entered for a document is that of its new name, too. */
export function nameEntered(document: FormOf, name: string) {
  const entered = entriesAt(localKeep(), OPEN + document.id);
  if (entered && name !== document.name) keepEntered({ id: document.id, name }, entered);
}

/** Forget what was entered for documents that are open no more. */
export function sweepEntered(ids: ReadonlySet<string>) {
  const storage = localKeep();
  for (const key of keysOf(storage)) {
    if (key.startsWith(OPEN) && !ids.has(key.slice(OPEN.length))) storage.removeItem(key);
  }
}

/** A param is called otherwise: what was entered for it is there under both names, for undo. */
export function carryEntered(form: FormOf, old: string, name: string): void {
  const entered = readEntered(form);
  const value = own(entered, old);
  if (value !== undefined) keepEntered(form, { ...entered, [name]: value });
}

/** What is kept under a key; null where there is nothing, or nothing that can be read. */
function entriesAt(storage: Keep, key: string): Entered | null {
  try {
    const stored: unknown = JSON.parse(storage.getItem(key) ?? "null");
    return typeof stored === "object" ? (stored as Entered | null) : null;
  } catch {
    return null;
  }
}
