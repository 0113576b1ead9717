/**
 * Signs of life between browser tabs, by which one that is closed is told from one that is open.
 *
 * A tab answers whoever asks over a channel. Where the browser has locks (pages that came from this
 * machine or over TLS), it holds one too, which also tells of a tab that is too busy to answer.
 */

const CHANNEL = "nodegraph.tabs";
const LOCK = "nodegraph.tab.";

/** Milliseconds in which a tab that is there, or is being reloaded, gives a sign. */
const PATIENCE = 1000;
const TURN = 50;

type Message = { readonly ask: true } | { readonly here: string };

/** Give signs of life for as long as the page is there. Returns how to stop. */
export function giveSigns(tab: string): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  const here: Message = { here: tab };
  channel.onmessage = ({ data }: MessageEvent<Message>) => "ask" in data && channel.postMessage(here);
  channel.postMessage(here);
  const stop = new AbortController();
  void locksNow()
    ?.request(LOCK + tab, { signal: stop.signal }, () => new Promise((end) => (release = end)))
    .catch(() => undefined);
  let release: (value: unknown) => void = () => undefined;
  return () => {
    channel.close();
    stop.abort();
    release(null);
  };
}

/** Those of these tabs that give no sign of life for a moment. */
export async function closedTabs(tabs: readonly string[], patience = PATIENCE): Promise<string[]> {
  const silent = new Set(tabs);
  if (silent.size === 0) return [];
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<Message>) => "here" in data && silent.delete(data.here);
  channel.postMessage({ ask: true } satisfies Message);
  const end = performance.now() + patience;
  do {
    await new Promise((over) => setTimeout(over, TURN));
    for (const name of await heldLocks()) silent.delete(name.slice(LOCK.length));
  } while (silent.size > 0 && performance.now() < end);
  channel.close();
  return [...silent];
}

/** The names of the locks that are held; none where locks may not be looked at. */
async function heldLocks(): Promise<string[]> {
  const query = await locksNow()?.query().catch(() => undefined);
  return query?.held?.flatMap(({ name }) => name ?? []) ?? [];
}

function locksNow(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}
