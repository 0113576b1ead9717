/** The jobs that each open document has queued, which run of them is shown, and which is cancelled. */

import { createStore } from "zustand";

import { isOver, type Run } from "../server";
import { running, waiting } from "../server/job";
import type { JobsState } from "../server/jobs";

const KEY = "nodegraph.queued";

type Jobs = Pick<JobsState, "jobs" | "order" | "loaded">;

interface Queued {
  /** Ids of jobs that were queued from a document and are not known to be over, by its id. */
  readonly byDocument: Readonly<Record<string, readonly string[]>>;
}

export const queued = createStore<Queued>()(() => ({ byDocument: remembered() }));

queued.subscribe(({ byDocument }) => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(byDocument));
  } catch {
    // Then a reload shows the run that was shown, and the queue tells of the others.
  }
});

export function noteQueued(document: string, job: string) {
  queued.setState(({ byDocument }) => ({
    byDocument: { ...byDocument, [document]: [...(byDocument[document] ?? []), job] },
  }));
}

/** Leave out what is over. */
export function settleQueued(state: Jobs) {
  const before = queued.getState().byDocument;
  const left = Object.entries(before).map(([id, ids]) => [id, ids.filter((job) => isDue(job, state))] as const);
  const isLess = left.some(([id, ids]) => ids.length !== before[id]?.length);
  if (isLess) queued.setState({ byDocument: Object.fromEntries(left.filter(([, ids]) => ids.length > 0)) });
}

/** Whether a job waits or runs; of what was not read yet nobody knows. */
function isDue(id: string, { jobs, loaded }: Jobs): boolean {
  const job = jobs[id];
  return job ? !isOver(job.state) : !loaded;
}

/** The job to be shown of those that a document has queued: what runs, else what waits first. */
export function toFollow(ids: readonly string[], last: string | null, state: Jobs): string | null {
  const due = dueOf(ids, state);
  return due.running[0]?.id ?? due.waiting[0]?.id ?? last;
}

/** The job that is cancelled: the one that runs, else the first that waits; null: there is none. */
export function toCancel(ids: readonly string[], run: Run, chosen: boolean, state: Jobs): string | null {
  const shown = run.job !== null && !isOver(run.state) && run.state !== null ? run.job : null;
  if (chosen && shown !== null) return run.cancelling ? null : shown;
  const due = dueOf(ids, state);
  const [first] = due.running;
  // It is on its way to its end: the next press is not meant for those that wait.
  if (first) return due.running.find((job) => !job.cancel_requested)?.id ?? null;
  return due.waiting[0]?.id ?? (run.cancelling ? null : shown);
}

function dueOf(ids: readonly string[], state: Jobs) {
  const isMine = ({ id }: { id: string }) => ids.includes(id);
  return { running: running(state.jobs).filter(isMine), waiting: waiting(state).filter(isMine) };
}

function remembered(): Queued["byDocument"] {
  try {
    const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const lists = Object.entries(stored).filter(([, ids]) => Array.isArray(ids));
    return Object.fromEntries(lists) as Queued["byDocument"];
  } catch {
    return {};
  }
}
