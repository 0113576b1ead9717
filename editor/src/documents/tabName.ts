/** The name of this browser tab, which its drafts are kept under. */

import { putText, tabKeep } from "../graph";
import { randomKey } from "../server/randomKey";
import { closedTabs } from "./signsOfLife";

const KEY = "nodegraph.tab";
/** Set when a page is left: the next that finds it in this browser tab is that page, opened again. */
const LEFT = "nodegraph.tab.left";

interface TabName {
  readonly tab: string;
  /** The tab that this one is a copy of: the browser copies what it keeps for a tab, too. */
  readonly copyOf?: string;
}

/**
 * Take this tab's name. A page that was left finds it again. Where it was not left, either the page was
 * killed, or this is a copy of a tab that is still open, which needs a name of its own.
 */
export async function claimName(): Promise<TabName> {
  const storage = tabKeep();
  const name = storage.getItem(KEY);
  const wasLeft = storage.getItem(LEFT) !== null;
  storage.removeItem(LEFT);
  if (name !== null && (wasLeft || (await closedTabs([name])).length > 0)) return { tab: name };
  const tab = randomKey(8);
  putText(storage, KEY, tab);
  return name === null ? { tab } : { tab, copyOf: name };
}

/** Note when the page is left. Returns how to stop. */
export function noteLeaving(): () => void {
  const stop = new AbortController();
  window.addEventListener("pagehide", () => putText(tabKeep(), LEFT, "1"), { signal: stop.signal });
  window.addEventListener("pageshow", () => tabKeep().removeItem(LEFT), { signal: stop.signal });
  return () => stop.abort();
}

export function tabName(): string {
  return tabKeep().getItem(KEY) ?? "";
}
