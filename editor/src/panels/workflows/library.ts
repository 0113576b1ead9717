import { createStore } from "zustand/vanilla";

import * as api from "../../server/api";
import type { WorkflowEntry } from "../../server";

/** The workflows that the server keeps. */
export const library = createStore<{ entries: readonly WorkflowEntry[]; loaded: boolean }>(() => ({
  entries: [],
  loaded: false,
}));

export async function loadLibrary(): Promise<void> {
  library.setState({ entries: await api.workflows(), loaded: true });
}

/** Those whose name or title holds every word that was typed. */
export function matching(entries: readonly WorkflowEntry[], typed: string): WorkflowEntry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(({ name, title }) => {
    const text = `${name} ${title}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
