/** What a browser tab had open, found again when its page is opened again. */

import {
  draftedTabs,
  earlierTabs,
  localKeep,
  newId,
  readDraft,
  rewriteEarlier,
  sweep,
  takeOver,
  type Draft,
  type Keep,
} from "../graph";
import { sweepEntered } from "../panels/form/entered";
import { sentence } from "../server";
import { randomKey } from "../server/randomKey";
import { say } from "../ui/say";
import { showAside } from "./aside";
import { closedTabs, giveSigns } from "./signsOfLife";
import { claimName, noteLeaving } from "./tabName";

export interface Found {
  /** The name of this browser tab. */
  readonly tab: string;
  readonly draft: Draft;
  /** Give no more signs of life. */
  leave(): void;
}

/** Find what this tab, or one that was closed with unsaved work, had open. */
export async function findDrafts(): Promise<Found> {
  try {
    return await find();
  } catch (error) {
    say(`What this browser keeps could not be opened, and stays where it is: ${sentence(error)}`);
    const draft = { active: "", documents: [], aside: [] };
    return { tab: randomKey(8), draft, leave: () => undefined };
  }
}

async function find(): Promise<Found> {
  const storage = localKeep();
  const { tab, copyOf } = await claimName();
  const stops = [giveSigns(tab), noteLeaving()];
  const leave = () => stops.forEach((stop) => stop());
  rewriteEarlier(storage, tab);
  const mine = copyOf === undefined ? readDraft(storage, tab) : copied(readDraft(storage, copyOf));
  const isNew = mine.documents.length === 0;
  const tidied = tidy(tab, isNew);
  // A tab with work of its own need not wait for what others have left.
  if (!isNew) return { tab, draft: mine, leave };
  await tidied;
  return { tab, draft: readDraft(storage, tab), leave };
}

function keptIds(storage: Keep): ReadonlySet<string> {
  const drafts = draftedTabs(storage).map((tab) => readDraft(storage, tab));
  return new Set(drafts.flatMap(({ documents, aside }) => [...documents, ...aside].map(({ id }) => id)));
}

/** Documents of their own: those of the tab that was copied go on being that tab's. */
function copied({ active, documents }: Draft): Draft {
  const copies = documents.map((document) => ({ ...document, id: newId() }));
  const place = documents.findIndex(({ id }) => id === active);
  return { active: copies[place]?.id ?? "", documents: copies, aside: [] };
}

/** Take over what tabs that are closed left unsaved; let go of the rest, so that drafts never pile up. */
async function tidy(tab: string, takes: boolean) {
  const storage = localKeep();
  const others = new Set([...draftedTabs(storage), ...earlierTabs(storage)]);
  others.delete(tab);
  const closed = await closedTabs([...others]);
  const work = () => {
    for (const other of closed) rewriteEarlier(storage, other);
    if (takes) takeOver(storage, tab, closed);
    else sweep(storage, closed);
    sweepEntered(keptIds(storage));
    showAside([tab, ...closed].flatMap((each) => readDraft(storage, each).aside));
  };
  // Two pages that open at once must not both take the same.
  const { locks } = navigator as { locks?: LockManager };
  if (locks) await locks.request("nodegraph.tidying", work).catch(work);
  else work();
}
