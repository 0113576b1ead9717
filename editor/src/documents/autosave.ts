/** Drafts of the open documents in the browser: they outlive a reload, and the end of a browser tab. */

import {
  draftedTabs,
  dropDraft,
  editor,
  isDirty,
  keepDraft,
  readDraft,
  restore,
  type Draft,
} from "../graph";
import { randomKey } from "../server/randomKey";
import { say } from "../ui/say";
import { leaveField } from "../ui/useField";

const KEY = "nodegraph.tab";
const LOCK = "nodegraph.tab.";

/** Milliseconds after a change; leaving the page writes at once. */
const PAUSE = 300;

/** Put back what this tab, or one that was closed with unsaved work, had open. */
export async function restoreDrafts(): Promise<string> {
  const tab = await claimTab();
  const mine = readDraft(localStorage, tab);
  const draft = mine ?? (await leftBehind(tab));
  if (draft) restore(draft.documents, draft.active);
  return tab;
}

/** Write every change. Returns how to stop. */
export function keepDrafts(tab: string): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWritten = true;
  const write = () => {
    clearTimeout(timer);
    timer = undefined;
    const { documents, active } = editor.getState();
    const done = keepDraft(localStorage, tab, { documents, active });
    if (isWritten && !done) say("The browser has no room for a draft: save, so that nothing is lost.");
    isWritten = done;
  };
  const forget = editor.subscribe((now, before) => {
    if (now.documents === before.documents && now.active === before.active) return;
    timer ??= setTimeout(write, PAUSE);
  });
  const leave = () => {
    leaveField();
    write();
  };
  const warn = (event: BeforeUnloadEvent) => {
    leave();
    // What is kept here comes back by itself, so only what is not needs a question.
    if (!isWritten && editor.getState().documents.some(isDirty)) event.preventDefault();
  };
  window.addEventListener("pagehide", leave);
  window.addEventListener("beforeunload", warn);
  write();
  return () => {
    forget();
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("beforeunload", warn);
    clearTimeout(timer);
  };
}

/** This tab's name. A duplicated tab brings the name of the first along, and needs its own. */
async function claimTab(): Promise<string> {
  const name = sessionStorage.getItem(KEY);
  if (name !== null && (await held(name))) return name;
  const fresh = randomKey(8);
  sessionStorage.setItem(KEY, fresh);
  await held(fresh);
  if (name !== null) {
    const copied = readDraft(localStorage, name);
    if (copied) keepDraft(localStorage, fresh, copied);
  }
  return fresh;
}

/** Hold a tab's name for as long as the tab is open; false where another tab does. */
function held(tab: string): Promise<boolean> {
  // Browsers have no locks for pages that came neither from this machine nor over TLS.
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void locks.request(LOCK + tab, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => undefined) : undefined;
    });
  });
}

/** The unsaved documents of tabs that are no longer open. */
async function leftBehind(tab: string): Promise<Draft | null> {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return null;
  const open = new Set((await locks.query()).held?.map((lock) => lock.name));
  const closed = draftedTabs(localStorage).filter((closedTab) => closedTab !== tab && !open.has(LOCK + closedTab));
  const documents = closed.flatMap((closedTab) => readDraft(localStorage, closedTab)?.documents ?? []);
  const unsaved = documents.filter(isDirty);
  for (const closedTab of closed) dropDraft(localStorage, closedTab);
  const [first] = unsaved;
  return first ? { documents: unsaved, active: first.id } : null;
}
