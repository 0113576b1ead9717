/** Drafts as earlier versions kept them: all documents of a tab in one entry, made an entry each. */

import { keysOf, putText, type Keep } from "./browserStorage";

const EARLIER = "nodegraph.draft.";

/** The browser tabs of which an earlier version kept something. */
export function earlierTabs(storage: Keep): string[] {
  return keysOf(storage).flatMap((key) => (key.startsWith(EARLIER) ? [key.slice(EARLIER.length)] : []));
}

/** Rewrite what an earlier version kept of a tab. It stays as it is where there is no room for that. */
export function rewriteEarlier(storage: Keep, tab: string) {
  const text = storage.getItem(EARLIER + tab);
  if (text === null) return;
  const written = entriesIn(text).every(([key, entry]) => putText(storage, `nodegraph.drafts.${tab}${key}`, entry));
  if (written) storage.removeItem(EARLIER + tab);
}

/** What to keep instead; a text that is no draft is a document that cannot be read. */
function entriesIn(text: string): [key: string, entry: string][] {
  try {
    const { active, documents } = JSON.parse(text) as { active: unknown; documents: Record<string, unknown>[] };
    const ids = documents.map(({ id }, place) => String(id ?? `document-${place}`));
    const entries = documents.map((document, place): [string, string] => [
      `.${ids[place]}`,
      // An empty workflow was written without its nodes.
      JSON.stringify({ ...document, form: 1 }),
    ]);
    return [["", JSON.stringify({ active, ids })], ...entries];
  } catch {
    return [[".unreadable", text]];
  }
}
