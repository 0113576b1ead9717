/** Tabs: documents opened, activated, closed and restored. */

import { startOf } from "./history";
import type { OpenDocument } from "./openDocument";
import { editor, find } from "./store";
import { EMPTY, type Workflow } from "../workflow";

export type Opening = Partial<Pick<OpenDocument, "name" | "version" | "shipped" | "job">> & {
  /** The workflow as it is stored; without it the document counts as never saved. */
  readonly saved?: Workflow | null;
};

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

export function openEmpty(): string {
  return open(EMPTY);
}

export function activate(id: string) {
  editor.setState((state) => (find(state, id) ? { active: id } : {}));
}

/** Close a tab; an empty one takes the place of the last. */
export function close(id: string) {
  const { documents, active } = editor.getState();
  const place = documents.findIndex((document) => document.id === id);
  if (place < 0) return;
  const left = documents.filter((document) => document.id !== id);
  const beside = left[Math.min(place, left.length - 1)];
  editor.setState({ documents: left, active: active === id ? (beside?.id ?? "") : active });
  if (!beside) openEmpty();
}

/** Put back what a draft kept. */
export function restore(documents: readonly OpenDocument[], active: string) {
  if (documents.length === 0) return;
  const shown = documents.some((document) => document.id === active) ? active : (documents[0]?.id ?? "");
  editor.setState({ documents, active: shown });
}
