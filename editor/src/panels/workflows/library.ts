/** The workflows that the server keeps, by name. */

import { createStore } from "zustand/vanilla";

import type { WorkflowEntry } from "../../server";
import * as api from "../../server/api";
import { holdsWords } from "../../ui/words";

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
  return entries.filter(({ name, title }) => holdsWords(`${name} ${title}`, typed));
}

/** A stored workflow, and where it came from. */
export async function openStored(name: string) {
  const { workflow, version, shipped } = await api.workflow(name);
  return [workflow, { kind: "stored", name, version, shipped }] as const;
}
