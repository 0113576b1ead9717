/** The open documents: one tab each, each with its own undo. Everything a user does goes through here. */

import { createStore, useStore } from "zustand";

import { readWorkflow } from "./document";
import { record, redo, startOf, undo, type History } from "./history";
import type { Kinds } from "./kinds";
import { kindsFor } from "./templateKind";
import { EMPTY, same, type Workflow } from "./workflow";

export interface OpenDocument {
  readonly id: string;
  /** What the server keeps it as; null for one that was never saved. */
  readonly name: string | null;
  /** The version that was opened or saved, which the next save replaces. */
  readonly version: string | null;
  /** It came with the program: saving it makes a copy. */
  readonly shipped: boolean;
  /** As the server has it; null for one that was never saved. */
  readonly saved: Workflow | null;
  readonly history: History;
  readonly selected: ReadonlySet<string>;
  /** The job that was last run from it. */
  readonly job: string | null;
}

export interface Editor {
  readonly kinds: Kinds;
  readonly documents: readonly OpenDocument[];
  readonly active: string;
}

export type Opening = Partial<Pick<OpenDocument, "name" | "version" | "shipped" | "job">> & {
  /** The workflow as it is stored; without it the document counts as never saved. */
  readonly saved?: Workflow | null;
};

export const editor = createStore<Editor>()(() => ({ kinds: {}, documents: [], active: "" }));

export function useEditor<T>(select: (state: Editor) => T): T {
  return useStore(editor, select);
}

let last = 0;

/** Open a workflow in a tab of its own and show it; what is open stays open. */
export function open(workflow: Workflow, opening: Opening = {}): string {
  const document: OpenDocument = {
    id: `document-${++last}-${Date.now().toString(36)}`,
    name: null,
    version: null,
    shipped: false,
    saved: null,
    job: null,
    selected: new Set(),
    history: startOf(workflow),
    ...opening,
  };
  editor.setState((state) => ({
    documents: [...state.documents, document],
    active: document.id,
  }));
  return document.id;
}

/** Open what somebody dropped or chose: a workflow's text, or its JSON. */
export function openText(source: unknown, opening: Opening = {}): string {
  return open(readWorkflow(source), opening);
}

export function openEmpty(): string {
  return open(EMPTY);
}

export function activate(id: string) {
  editor.setState((state) => (find(state, id) ? { active: id } : {}));
}

/** Close a tab; an empty one takes the place of the last. */
export function close(id: string) {
  const { documents, active } = editor.getState();
  const place = documents.findIndex((one) => one.id === id);
  if (place < 0) return;
  const left = documents.filter((one) => one.id !== id);
  const beside = left[Math.min(place, left.length - 1)];
  editor.setState({ documents: left, active: active === id ? (beside?.id ?? "") : active });
  if (!beside) openEmpty();
}

/** Put back what a draft kept. */
export function restore(documents: readonly OpenDocument[], active: string) {
  if (documents.length === 0) return;
  const shown = documents.some((one) => one.id === active) ? active : (documents[0]?.id ?? "");
  editor.setState({ documents, active: shown });
}

export function setKinds(kinds: Kinds) {
  editor.setState({ kinds });
}

/** The document that is shown. */
export function shown(state: Editor = editor.getState()): OpenDocument | undefined {
  return find(state, state.active);
}

export function find(state: Editor, id: string): OpenDocument | undefined {
  return state.documents.find((one) => one.id === id);
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
  update(editor.getState().active, (one) => {
    const next = change(one.history.present);
    return { history: record(one.history, label, next, key, Date.now(), pause) };
  });
}

/** Change how a document is drawn for the first time, which is no step of the user's. */
export function settle(id: string, change: (workflow: Workflow) => Workflow) {
  update(id, (one) => {
    if (one.history.past.length > 0 || one.history.future.length > 0) return {};
    const next = change(one.history.present);
    const unchanged = one.saved !== null && same(one.saved, one.history.present);
    return { history: startOf(next), ...(unchanged ? { saved: next } : {}) };
  });
}

export function undoLast() {
  update(editor.getState().active, (one) => ({ history: undo(one.history) }));
}

export function redoLast() {
  update(editor.getState().active, (one) => ({ history: redo(one.history) }));
}

export function select(names: Iterable<string>) {
  const next = new Set(names);
  update(editor.getState().active, (one) =>
    same([...one.selected].sort(), [...next].sort()) ? {} : { selected: next },
  );
}

/** Note what was saved: exactly what was sent, whatever was edited meanwhile. */
export function markSaved(id: string, saved: Workflow, name: string, version: string) {
  update(id, () => ({ saved, name, version, shipped: false }));
}

export function setJob(id: string, job: string) {
  update(id, () => ({ job }));
}

export function isDirty(one: OpenDocument): boolean {
  const { present } = one.history;
  if (one.saved === null) return Object.keys(present.nodes).length > 0 || present.title !== "";
  return present !== one.saved && !same(present, one.saved);
}

/** A document's name for its tab. */
export function titleOf(one: OpenDocument): string {
  return one.history.present.title || one.name || "Untitled";
}

const known = new WeakMap<Kinds, WeakMap<Workflow["templates"], Kinds>>();

/** The kinds for the workflow that is shown, its own templates among them. */
export function kindsNow(state: Editor = editor.getState()): Kinds {
  const { templates } = present(state);
  const byTemplates = known.get(state.kinds) ?? new WeakMap<Workflow["templates"], Kinds>();
  known.set(state.kinds, byTemplates);
  const kinds = byTemplates.get(templates) ?? kindsFor(state.kinds, present(state));
  byTemplates.set(templates, kinds);
  return kinds;
}

function update(id: string, change: (one: OpenDocument) => Partial<OpenDocument>) {
  editor.setState((state) => {
    const one = find(state, id);
    if (!one) return state;
    const next = { ...one, ...change(one) };
    const kept = { ...next, selected: existing(next) };
    return { documents: state.documents.map((each) => (each.id === id ? kept : each)) };
  });
}

/** Undo may have taken away what was chosen. */
function existing({ selected, history }: OpenDocument): ReadonlySet<string> {
  const there = [...selected].filter((name) => Object.hasOwn(history.present.nodes, name));
  return there.length === selected.size ? selected : new Set(there);
}
