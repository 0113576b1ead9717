/** The store of the run that is shown, with the previews of its nodes. */

import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";

import { jobEvents, job as readJob } from "../api";
import { ServerError } from "../errors";
import { drawnName } from "./nodeRun";
import type { Preview } from "../socket/previews";
import { isOver, NO_RUN, recorded, type Run, runAfter, runOf } from "./run";
import type { Job, ServerEvent } from "../types";

/** By item, as `0`; a node that has but one item has it under the empty name. */
type Previews = Readonly<Record<string, string>>;

interface RunsState {
  run: Run;
  /** Somebody chose this job in the queue: it stays, whatever else begins. */
  chosen: boolean;
  /** Jobs that are known to have been deleted: nothing of them can be shown. */
  gone: ReadonlySet<string>;
  /** Addresses of the newest preview pictures, by drawn node and by item. */
  previews: Readonly<Record<string, Previews>>;
}

/** The run that the canvas shows. Apart from the document, so that progress redraws one node. */
export const runs = createStore<RunsState>(() => ({
  run: NO_RUN,
  chosen: false,
  gone: new Set(),
  previews: {},
}));

/** The newest preview of each item of a node, as addresses for `<img>`. */
export function useNodePreviews(name: string): Previews | undefined {
  return useStore(runs, (state) => state.previews[name]);
}

/** The whole run: for bars and titles, not for nodes. */
export function useRun(): Run {
  return useStore(runs, (state) => state.run);
}

// Events of the job to be shown that came while its history was still being read.
let early: ServerEvent[] | null = null;

/** The job whose course could not be read, because the server did not answer. */
let unread: string | null = null;

/**
 * Show the course of this job from its first event on; also of one that is long over. A new run of
 * the same graph may `keep` the pictures of the one before until it has its own.
 */
export async function follow(job: string, keep = false): Promise<void> {
  const mine: ServerEvent[] = [];
  early = mine;
  unread = null;
  clearPreviews();
  runs.setState(({ run }) => ({ run: runOf(job, keep ? run : NO_RUN), chosen: false }));
  const [history, record] = await Promise.all([attempt(historyOf(job)), attempt(readJob(job))]);
  if (early !== mine) return; // another one is followed by now
  early = null;
  if (isGone(record) || isGone(history)) {
    lose(job); // it was deleted: nothing is known of its course, so nothing is claimed
    return;
  }
  if (record instanceof Error || history instanceof Error) {
    unread = job;
    runs.setState(({ run }) => ({ run: { ...run, state: null } }));
    return;
  }
  const last = history.at(-1)?.seq ?? 0;
  const later = mine.filter((event) => event.seq > last);
  runs.setState(({ run }) => {
    const told = history.reduce(runAfter, run);
    return { run: later.reduce(runAfter, recorded(told, record)) };
  });
}

/** Show the course of the job that was chosen in the queue. */
export async function followChosen(job: string): Promise<void> {
  const followed = follow(job);
  runs.setState({ chosen: true });
  await followed;
}

/** Read the course of a job that could not be read, now that the server answers again. */
export function followAgain(): void {
  if (unread !== null) void follow(unread, true);
}

/** Show no run, as for another document. */
export function unfollow(): void {
  early = unread = null;
  clearPreviews();
  runs.setState({ run: NO_RUN, chosen: false });
}

/** Take note that a job was deleted. */
function lose(job: string): void {
  runs.setState(({ gone }) => ({ gone: new Set([...gone, job]) }));
  if (runs.getState().run.job === job) unfollow();
}

/** Take an event from the websocket. */
export function hearRunEvent(event: ServerEvent): void {
  const { run } = runs.getState();
  if (event.kind === "job.deleted") {
    lose(event.data.id);
    return;
  }
  if (event.job === null || event.job !== run.job) return;
  if (early) {
    early.push(event);
    return;
  }
  runs.setState({ run: runAfter(run, event) });
  if (event.kind === "node.result") dropPreviews(drawnName(event.data.node));
  if (isOver(runs.getState().run.state)) clearPreviews();
}

/** Take a preview from the websocket: the one before it is given back to the browser. */
export function hearPreview({ header, jpeg }: Preview): void {
  const { run, previews } = runs.getState();
  if (header.job !== run.job) return;
  const name = drawnName(header.node);
  const item = header.items.join(",");
  const url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
  const old = previews[name]?.[item];
  runs.setState({ previews: { ...previews, [name]: { ...previews[name], [item]: url } } });
  revoke(old);
}

function dropPreviews(name: string): void {
  const { [name]: dropped, ...previews } = runs.getState().previews;
  if (dropped === undefined) return;
  runs.setState({ previews });
  Object.values(dropped).forEach(revoke);
}

function clearPreviews(): void {
  const { previews } = runs.getState();
  runs.setState({ previews: {} });
  Object.values(previews).flatMap((items) => Object.values(items)).forEach(revoke);
}

function revoke(url: string | undefined): void {
  if (url !== undefined) URL.revokeObjectURL(url);
}

/** What was asked for, or why it did not come. */
function attempt<T>(asked: Promise<T>): Promise<T | Error> {
  return asked.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

function isGone(answer: Job | ServerEvent[] | Error): boolean {
  return answer instanceof ServerError && answer.status === 404;
}

async function historyOf(job: string): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for (let next: number | null = 0; next !== null; ) {
    const page: { events: ServerEvent[]; next: number | null } = await jobEvents(job, next);
    events.push(...page.events);
    next = page.next;
  }
  return events;
}
