/** Drafts: the open documents of each browser tab as JSON, so that no reload loses work. */

import { readWorkflow, toDocument } from "../document";
import { startOf } from "./history";
import type { OpenDocument } from "./openDocument";

const PREFIX = "nodegraph.draft.";

/** The part of `Storage` that is used. */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

export interface Draft {
  readonly active: string;
  readonly documents: readonly OpenDocument[];
}

/** Write a draft; false where the browser has no room for it. */
export function keepDraft(storage: Keep, tab: string, draft: Draft): boolean {
  const documents = draft.documents.map((open) => ({
    id: open.id,
    name: open.name,
    version: open.version,
    shipped: open.shipped,
    job: open.job,
    saved: open.saved && toDocument(open.saved),
    present: toDocument(open.history.present),
  }));
  try {
    storage.setItem(PREFIX + tab, JSON.stringify({ active: draft.active, documents }));
    return true;
  } catch {
    return false;
  }
}

/** Read a draft back, without its undo; null where there is none, or it cannot be read. */
export function readDraft(storage: Keep, tab: string): Draft | null {
  try {
    const stored = JSON.parse(storage.getItem(PREFIX + tab) ?? "null") as Stored | null;
    if (!stored) return null;
    return { active: stored.active, documents: stored.documents.map(opened) };
  } catch {
    return null;
  }
}

export function dropDraft(storage: Keep, tab: string) {
  storage.removeItem(PREFIX + tab);
}

/** The browser tabs that have left a draft. */
export function draftedTabs(storage: Keep): string[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
}

interface Stored {
  readonly active: string;
  readonly documents: readonly (Omit<OpenDocument, "history" | "saved" | "selected"> & {
    readonly saved: unknown;
    readonly present: unknown;
  })[];
}

function opened(stored: Stored["documents"][number]): OpenDocument {
  return {
    id: String(stored.id),
    name: stored.name,
    version: stored.version,
    shipped: stored.shipped,
    job: stored.job,
    saved: stored.saved === null ? null : readWorkflow(stored.saved),
    history: startOf(readWorkflow(stored.present)),
    selected: new Set(),
  };
}
