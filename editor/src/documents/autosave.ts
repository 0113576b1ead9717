/** The open documents kept in the browser on every change: they outlive a reload, and the end of a browser tab. */

import { createStore } from "zustand";

import {
  editor,
  forgetDocument,
  isAside,
  isDirty,
  isOfTab,
  keepDocument,
  keepOrder,
  localKeep,
  type OpenDocument,
} from "../graph";
import { leaveField } from "../ui/useField";

/** Milliseconds after a change; leaving the page writes at once. */
const PAUSE = 300;

/** The open documents for which the browser has no room: they end with the page. */
export const unkept = createStore<{ readonly ids: readonly string[] }>()(() => ({ ids: [] }));

/** Write every change of a document, each by itself. Returns how to stop. */
export function keepDrafts(tab: string): () => void {
  const storage = localKeep();
  const kept = new Map<string, OpenDocument>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const forgetClosed = (ids: readonly string[]) => {
    for (const id of kept.keys()) {
      if (ids.includes(id)) continue;
      kept.delete(id);
      if (!isAside(storage, tab, id)) forgetDocument(storage, tab, id);
    }
  };
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const { documents, active } = editor.getState();
    const ids = documents.map((document) => document.id);
    // First what makes room.
    forgetClosed(ids);
    const full = documents.flatMap((document) => {
      if (isSame(document, kept.get(document.id))) return [];
      if (!keepDocument(storage, tab, document)) return [document.id];
      kept.set(document.id, document);
      return [];
    });
    keepOrder(storage, tab, { active, ids });
    if (full.join() !== unkept.getState().ids.join()) unkept.setState({ ids: full });
  };
  const soon = () => {
    timer ??= setTimeout(write, PAUSE);
  };
  const forget = editor.subscribe((now, before) => {
    if (now.documents !== before.documents || now.active !== before.active) soon();
  });
  const leave = () => {
    leaveField();
    write();
  };
  const warn = (event: BeforeUnloadEvent) => {
    leave();
    // What is kept here comes back by itself, so only what is not needs a question.
    const { documents } = editor.getState();
    const { ids } = unkept.getState();
    if (documents.some((document) => ids.includes(document.id) && isDirty(document))) event.preventDefault();
  };
  /** Somebody else removed what is kept of this tab: it was taken for closed, or all was cleared. */
  const heal = ({ key, newValue }: StorageEvent) => {
    if (newValue !== null || (key !== null && !isOfTab(key, tab))) return;
    kept.clear();
    soon();
  };
  const rewrite = ({ persisted }: PageTransitionEvent) => {
    if (!persisted) return;
    kept.clear();
    write();
  };
  const stop = new AbortController();
  const { signal } = stop;
  window.addEventListener("pagehide", leave, { signal });
  window.addEventListener("pageshow", rewrite, { signal });
  window.addEventListener("beforeunload", warn, { signal });
  window.addEventListener("storage", heal, { signal });
  // A browser on a phone ends pages that are out of sight without another word.
  document.addEventListener("visibilitychange", () => document.hidden && write(), { signal });
  write();
  return () => {
    forget();
    stop.abort();
    clearTimeout(timer);
  };
}

/** Whether what is kept of a document is still what it is; selections are not kept. */
function isSame(document: OpenDocument, kept: OpenDocument | undefined): boolean {
  return (
    kept !== undefined &&
    kept.history.present === document.history.present &&
    kept.saved === document.saved &&
    kept.name === document.name &&
    kept.version === document.version &&
    kept.shipped === document.shipped &&
    kept.job === document.job
  );
}
