/** Entered values of forms, kept in the browser under the workflow's name, or of one without under its id. */

import { keysOf, localKeep, own, putText } from "../../graph";
import type { Entered } from "./values";

const NAMED = "nodegraph.form.";
const UNSAVED = "nodegraph.unsaved-form.";

/** The key that what is entered for a document is kept under. */
export function formKey({ name, id }: { readonly name: string | null; readonly id: string }): string {
  return name === null ? UNSAVED + id : NAMED + name;
}

export function readEntered(key: string): Entered {
  try {
    const stored: unknown = JSON.parse(localKeep().getItem(key) ?? "{}");
    return typeof stored === "object" && stored !== null ? (stored as Entered) : {};
  } catch {
    return {};
  }
}

/** Keep what was entered; false where the browser has no room for it. */
export function keepEntered(key: string, entered: Entered): boolean {
  return putText(localKeep(), key, JSON.stringify(entered));
}

/** What was entered stays entered when the document gets a name, or another one. */
export function renameEntered(from: string, to: string): void {
  if (from !== to && localKeep().getItem(from) !== null) keepEntered(to, readEntered(from));
}

/** Forget what was entered for documents without a name that are no more. */
export function sweepEntered(ids: ReadonlySet<string>) {
  const storage = localKeep();
  for (const key of keysOf(storage)) {
    if (key.startsWith(UNSAVED) && !ids.has(key.slice(UNSAVED.length))) storage.removeItem(key);
  }
}

/** A param is called otherwise: what was entered for it is there under both names, for undo. */
export function carryEntered(key: string, old: string, name: string): void {
  const entered = readEntered(key);
  const value = own(entered, old);
  if (value !== undefined) keepEntered(key, { ...entered, [name]: value });
}
