/** Every job that the page knows: answers of the server, and the events that came since. */

import { createStore } from "zustand/vanilla";

import * as api from "./api";
import { jobAfter } from "./job";
import type { Job, ServerEvent } from "./types";

export interface JobsState {
  /** Every job that is known, by id. */
  jobs: Readonly<Record<string, Job>>;
  /** The ids of those that wait, in the order in which they will run. */
  order: readonly string[];
  /** Where the next page of older jobs begins; null: these are all. */
  next: number | null;
  loaded: boolean;
}

/** The queue and what came before it. */
export const jobs = createStore<JobsState>(() => ({
  jobs: {},
  order: [],
  next: null,
  loaded: false,
}));

const PAGE = 50;

/** What is heard while an answer is awaited: a list for each such answer. */
const listening = new Set<ServerEvent[]>();

/**
 * An answer, and the events that came while it was on its way. It may be older than those; with
 * them on top it is not, and never newer than what the next event makes of it.
 */
async function withEvents<T>(asked: Promise<T>): Promise<{ answer: T; heard: ServerEvent[] }> {
  const heard: ServerEvent[] = [];
  listening.add(heard);
  try {
    return { answer: await asked, heard };
  } finally {
    listening.delete(heard);
  }
}

/** The jobs of an answer by id, as they stand after what was heard meanwhile. */
function byId(list: readonly Job[], heard: readonly ServerEvent[]): Record<string, Job> {
  const gone = new Set(heard.map((event) => event.kind === "job.deleted" && event.data.id));
  const now = (job: Job) => heard.filter((event) => event.job === job.id).reduce(jobAfter, job);
  return Object.fromEntries(list.filter(({ id }) => !gone.has(id)).map((job) => [job.id, now(job)]));
}

/** Read the newest jobs, and all that still wait or run. */
export async function loadJobs(): Promise<void> {
  const { answer, heard } = await withEvents(
    Promise.all([
      api.jobs({ limit: PAGE }),
      api.queue(),
      api.jobs({ state: "running", limit: PAGE }),
    ]),
  );
  const [newest, queued, running] = answer;
  const read = byId([newest, queued, running].flatMap((page) => page.jobs), heard);
  jobs.setState(({ jobs: before }) => ({
    // Of what came meanwhile the answers need not know; what else they leave out is gone.
    jobs: { ...pick(before, heard), ...read },
    order: queued.jobs.map(({ id }) => id),
    next: newest.next,
    loaded: true,
  }));
}

/** Those of which was heard. */
function pick(before: JobsState["jobs"], heard: readonly ServerEvent[]): Record<string, Job> {
  const ids = new Set(heard.map(({ job }) => job));
  return Object.fromEntries(Object.entries(before).filter(([id]) => ids.has(id)));
}

let ordering: ReturnType<typeof setTimeout> | undefined;

/** Read in which order they wait; once, where many reasons to do so come together. */
function orderSoon(): void {
  clearTimeout(ordering);
  ordering = setTimeout(() => void loadOrder().catch(() => undefined), 150);
}

/** Moves that the server has not answered yet, one after the other: it might exchange two at once. */
let moves = 0;
let moving: Promise<unknown> = Promise.resolve();

/** Put a waiting job behind another one (null: first); `order` is how they stand then. */
export async function moveInQueue(id: string, after: string | null, order: string[]): Promise<void> {
  jobs.setState({ order });
  moves += 1;
  const asked = moving.then(() => api.moveJob(id, after));
  moving = asked.catch(() => undefined);
  try {
    await asked;
  } finally {
    moves -= 1;
    await loadOrder();
  }
}

/** Read in which order they wait, unless that is being changed. */
export async function loadOrder(): Promise<void> {
  if (moves > 0) return;
  const { answer, heard } = await withEvents(api.queue());
  if (moves > 0) return;
  jobs.setState((state) => ({
    jobs: { ...state.jobs, ...byId(answer.jobs, heard) },
    order: answer.jobs.map(({ id }) => id),
  }));
}

/** Read the next page of older jobs. */
export async function loadOlderJobs(): Promise<void> {
  const { next } = jobs.getState();
  if (next === null) return;
  const { answer, heard } = await withEvents(api.jobs({ before: next, limit: PAGE }));
  const read = byId(answer.jobs, heard);
  jobs.setState((state) => ({ jobs: { ...state.jobs, ...read }, next: answer.next }));
}

/** Know a job as this answer of the server has it, or as it is by now. */
export async function learnJob(asked: Promise<Job>): Promise<Job> {
  const { answer, heard } = await withEvents(asked);
  const read = byId([answer], heard);
  jobs.setState((state) => ({ jobs: { ...state.jobs, ...read } }));
  return answer;
}

export function forgetJob(id: string): void {
  jobs.setState(({ jobs: { [id]: _, ...rest } }) => ({ jobs: rest }));
}

const ORDERING: ReadonlySet<string> = new Set(["job.queued", "job.requeued", "queue.changed"]);

/** Take an event from the websocket. */
export function hearJobEvent(event: ServerEvent): void {
  if (ORDERING.has(event.kind)) orderSoon();
  if (event.kind.startsWith("node.")) return;
  for (const heard of listening) heard.push(event);
  if (event.kind === "job.deleted") forgetJob(event.data.id);
  if (event.job === null) return;
  const job = jobs.getState().jobs[event.job];
  if (!job) void readJob(event.job);
  else jobs.setState((state) => ({ jobs: { ...state.jobs, [job.id]: jobAfter(job, event) } }));
}

/** Those that are being read because of an event about them. */
const reading = new Set<string>();

/** Read a job that something is told of; once, whatever more is told of it meanwhile. */
async function readJob(id: string): Promise<void> {
  if (reading.has(id)) return;
  reading.add(id);
  try {
    await learnJob(api.job(id));
  } catch {
    // It is gone, or the server does not answer: the next event about it has it read again.
  } finally {
    reading.delete(id);
  }
}
