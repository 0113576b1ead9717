/** The store of open documents, each with its own undo; every change of one goes through here. */

import { createStore, useStore } from "zustand";

import type { Kind, Kinds } from "../kinds";
import { own, same } from "../records";
import { kindsFor } from "../templates/kind";
import { EMPTY, type Workflow } from "../workflow";
import { record, redo, startOf, undo } from "./history";
import { existing, type OpenDocument } from "./openDocument";

export interface Editor {
  readonly kinds: Kinds;
  readonly documents: readonly OpenDocument[];
  readonly active: string;
  /** Those that were closed, the last one last. */
  readonly closed: readonly OpenDocument[];
}

export const editor = createStore<Editor>()(() => ({
  kinds: {},
  documents: [],
  active: "",
  closed: [],
}));

export function useEditor<T>(select: (state: Editor) => T): T {
  return useStore(editor, select);
}

export function setKinds(kinds: Kinds) {
  editor.setState({ kinds });
}

/** The document that is shown. */
export function shown(state: Editor = editor.getState()): OpenDocument | undefined {
  return find(state, state.active);
}

export function find(state: Editor, id: string): OpenDocument | undefined {
  return state.documents.find((document) => document.id === id);
}

/** The workflow that is shown. */
export function present(state: Editor = editor.getState()): Workflow {
  return shown(state)?.history.present ?? EMPTY;
}

/** Change the workflow that is shown, as one step that can be undone. */
export function edit(
  label: string,
  change: (workflow: Workflow) => Workflow,
  key?: string,
  pause?: number,
) {
  update(editor.getState().active, (document) => {
    const next = change(document.history.present);
    return { history: record(document.history, label, next, key, Date.now(), pause) };
  });
}

/** Change how a document is drawn for the first time, which is no step of the user's. */
export function settle(id: string, change: (workflow: Workflow) => Workflow) {
  update(id, (document) => {
    if (document.history.past.length > 0 || document.history.future.length > 0) return {};
    const next = change(document.history.present);
    const unchanged = document.saved !== null && same(document.saved, document.history.present);
    return { history: startOf(next), ...(unchanged ? { saved: next } : {}) };
  });
}

export function undoLast() {
  update(editor.getState().active, (document) => ({ history: undo(document.history) }));
}

export function redoLast() {
  update(editor.getState().active, (document) => ({ history: redo(document.history) }));
}

export function select(names: Iterable<string>) {
  const next = new Set(names);
  update(editor.getState().active, (document) =>
    same([...document.selected].sort(), [...next].sort()) ? {} : { selected: next },
  );
}

/** Note what was saved: exactly what was sent, whatever was edited meanwhile. */
export function markSaved(id: string, saved: Workflow, name: string, version: string) {
  update(id, () => ({ saved, name, version, shipped: false }));
}

/** It is no longer on the server: what is open of it is all there is. */
export function markDeleted(name: string) {
  for (const { id } of editor.getState().documents.filter((document) => document.name === name)) {
    update(id, () => ({ saved: null, name: null, version: null }));
  }
}

export function setJob(id: string, job: string | null) {
  if (find(editor.getState(), id)?.job !== job) update(id, () => ({ job }));
}

const kindsByTemplates = new WeakMap<Kinds, WeakMap<Workflow["templates"], Kinds>>();

/** The kinds for the workflow that is shown, its own templates among them. */
export function kindsNow(state: Editor = editor.getState()): Kinds {
  const { templates } = present(state);
  const byTemplates = kindsByTemplates.get(state.kinds) ?? new WeakMap<Workflow["templates"], Kinds>();
  kindsByTemplates.set(state.kinds, byTemplates);
  const kinds = byTemplates.get(templates) ?? kindsFor(state.kinds, present(state));
  byTemplates.set(templates, kinds);
  return kinds;
}

/** The kind of a node of the workflow that is shown. */
export function kindOf(node: string, state: Editor = editor.getState()): Kind | undefined {
  return own(kindsNow(state), own(present(state).nodes, node)?.type ?? "");
}

function update(id: string, change: (document: OpenDocument) => Partial<OpenDocument>) {
  editor.setState((state) => {
    const document = find(state, id);
    if (!document) return state;
    const next = { ...document, ...change(document) };
    const changed = { ...next, selected: existing(next) };
    return { documents: state.documents.map((open) => (open.id === id ? changed : open)) };
  });
}
