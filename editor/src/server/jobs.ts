/** The store of jobs: answers of the server, and the events that came while these were on their way. */

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
export const listening = new Set<ServerEvent[]>();

/**
 * An answer, and the events that came while it was on its way. It may be older than those; with
 * them on top it is not, and never newer than what the next event makes of it.
 */
export async function withEvents<T>(asked: Promise<T>): Promise<{ answer: T; heard: ServerEvent[] }> {
  const heard: ServerEvent[] = [];
  listening.add(heard);
  try {
    return { answer: await asked, heard };
  } finally {
    listening.delete(heard);
  }
}

/** The jobs of an answer by id, as they stand after what was heard meanwhile. */
export function byId(list: readonly Job[], heard: readonly ServerEvent[]): Record<string, Job> {
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
