import { createStore } from "zustand/vanilla";

import * as api from "./api";
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

/** Read the newest jobs, and all that still wait or run. */
export async function loadJobs(): Promise<void> {
  const [newest, queued, running] = await Promise.all([
    api.jobs({ limit: PAGE }),
    api.queue(),
    api.jobs({ state: "running", limit: PAGE }),
  ]);
  const all = [newest, queued, running].flatMap((page) => page.jobs);
  const order = queued.jobs.map(({ id }) => id);
  jobs.setState({ jobs: byId(all), order, next: newest.next, loaded: true });
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
  const queued = (await api.queue()).jobs;
  if (moves > 0) return;
  jobs.setState((state) => ({
    // What is known of a job may be newer than this answer.
    jobs: { ...byId(queued), ...state.jobs },
    order: queued.map(({ id }) => id),
  }));
}

/** Read the next page of older jobs. */
export async function loadOlderJobs(): Promise<void> {
  const { next } = jobs.getState();
  if (next === null) return;
  const page = await api.jobs({ before: next, limit: PAGE });
  jobs.setState((state) => ({ jobs: { ...state.jobs, ...byId(page.jobs) }, next: page.next }));
}

/** Know a job as an answer of the server has it. */
export function knowJob(job: Job): void {
  jobs.setState((state) => ({ jobs: { ...state.jobs, [job.id]: job } }));
}

/** Know a job that was just asked for, unless events were faster than the answer. */
export function knowNewJob(job: Job): void {
  if (!jobs.getState().jobs[job.id]) knowJob(job);
}

export function forgetJob(id: string): void {
  jobs.setState(({ jobs: { [id]: _, ...rest } }) => ({ jobs: rest }));
}

const ORDERING: ReadonlySet<string> = new Set(["job.queued", "job.requeued", "queue.changed"]);

/** Take an event from the websocket. */
export function hearJobEvent(event: ServerEvent): void {
  if (ORDERING.has(event.kind)) orderSoon();
  if (event.job === null || event.kind.startsWith("node.")) return;
  const known = jobs.getState().jobs[event.job];
  if (!known || reading.has(event.job)) void refreshJob(event.job);
  else if (event.kind === "job.queued") return;
  else knowJob(jobAfter(known, event));
}

/** Those that are being read; true where something happened to one since it was asked for. */
const reading = new Map<string, boolean>();

/** Read one job anew; one that has been deleted is forgotten. */
export async function refreshJob(id: string): Promise<void> {
  if (reading.has(id)) {
    reading.set(id, true);
    return;
  }
  do {
    reading.set(id, false);
    try {
      knowJob(await api.job(id));
    } catch {
      forgetJob(id);
    }
  } while (reading.get(id));
  reading.delete(id);
}

/** The job after one more event about it. */
export function jobAfter(job: Job, event: ServerEvent): Job {
  switch (event.kind) {
    case "job.queued":
      return { ...job, state: "queued" };
    case "job.requeued":
      return { ...job, state: "queued", started: null };
    case "job.started":
      return { ...job, state: "running", started: event.time, attempts: event.data.attempt };
    case "job.progress":
      return { ...job, done: event.data.done, total: event.data.total };
    case "job.done": {
      const { results, counts, degraded } = event.data;
      const told = degraded ? { degraded } : {};
      return { ...job, ...told, state: "done", finished: event.time, results, counts };
    }
    case "job.failed": {
      const { problems } = event.data;
      return { ...job, state: "failed", finished: event.time, error: { problems } };
    }
    case "job.cancelled":
      return { ...job, state: "cancelled", finished: event.time };
    default:
      return job;
  }
}

/** Those that wait, in the order in which they will run; of which that is not known yet, last. */
export function waiting({ jobs, order }: Pick<JobsState, "jobs" | "order">): Job[] {
  const place = new Map(order.map((id, at) => [id, at]));
  const placeOf = (job: Job) => place.get(job.id) ?? order.length;
  return Object.values(jobs)
    .filter((job) => job.state === "queued")
    .sort((one, other) => placeOf(one) - placeOf(other) || one.seq - other.seq);
}

export function running(all: JobsState["jobs"]): Job[] {
  return Object.values(all)
    .filter((job) => job.state === "running")
    .sort((a, b) => (a.started ?? 0) - (b.started ?? 0));
}

/** Those that have ended, newest first. */
export function over(all: JobsState["jobs"]): Job[] {
  return Object.values(all)
    .filter((job) => job.state !== "queued" && job.state !== "running")
    .sort((a, b) => (b.finished ?? b.created) - (a.finished ?? a.created));
}

function byId(list: Job[]): Record<string, Job> {
  return Object.fromEntries(list.map((job) => [job.id, job]));
}
