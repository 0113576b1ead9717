/** Tabs: documents opened, activated, closed and restored. */

import { startOf } from "./history";
import { isBlank, type OpenDocument } from "./openDocument";
import { editor, find } from "./store";
import { EMPTY, type Workflow } from "../workflow";

export type Opening = Partial<Pick<OpenDocument, "name" | "version" | "shipped" | "job">> & {
  /** The workflow as it is stored; without it the document counts as never saved. */
  readonly saved?: Workflow | null;
};

/** Closed documents that can be opened again, at most. */
const MOST_CLOSED = 20;

/** A name that no other document has, in another browser tab neither. */
export function newId(): string {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  return `document-${high.toString(36)}${low.toString(36)}`;
}

/** Open a workflow in a tab of its own and show it; what is open stays open. */
export function open(workflow: Workflow, opening: Opening = {}): string {
  const document: OpenDocument = {
    id: newId(),
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
  const { documents, active, closed } = editor.getState();
  const place = documents.findIndex((document) => document.id === id);
  const document = documents[place];
  if (!document) return;
  const left = documents.filter((other) => other !== document);
  const beside = left[Math.min(place, left.length - 1)];
  editor.setState({
    documents: left,
    active: active === id ? (beside?.id ?? "") : active,
    closed: isUntouched(document) ? closed : [...closed, document].slice(-MOST_CLOSED),
  });
  if (!beside) openEmpty();
}

/** Open the tab that was closed last (or the one of this name) again, its undo included. */
export function reopen(id?: string) {
  editor.setState(({ documents, closed, active }) => {
    const document = id === undefined ? closed.at(-1) : closed.find((other) => other.id === id);
    if (!document) return {};
    return {
      // The empty one that took its place has done its duty.
      documents: [...documents.filter((other) => other.id !== active || !isUntouched(other)), document],
      active: document.id,
      closed: closed.filter((other) => other !== document),
    };
  });
}

/** Put back what a draft kept, beside what was opened meanwhile. */
export function restore(documents: readonly OpenDocument[], active: string) {
  if (documents.length === 0) return;
  const shown = documents.some((document) => document.id === active) ? active : (documents[0]?.id ?? "");
  editor.setState((state) => ({ documents: [...documents, ...state.documents], active: shown }));
}

/** Nobody would miss it: nothing is in it, and nothing ever was. */
export function isUntouched({ name, history }: OpenDocument): boolean {
  return name === null && isBlank(history.present) && history.past.length + history.future.length === 0;
}
