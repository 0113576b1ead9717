/** The start of a run: explained, and queued as a job. */

import { createStore } from "zustand/vanilla";

import * as api from "./api";
import { explain, type Explanation } from "./explain";
import { learnJob } from "./jobs";
import { requestOptions } from "./runOptions";
import type { Job, Json, WorkflowDocument } from "./types";

export interface RunRequest {
  workflow: WorkflowDocument;
  title: string;
  only?: string[];
  params?: Record<string, Json>;
  /** A try: its pictures are kept apart from results. */
  trial?: boolean;
}

/** Why each node was expected to run, or not to, when a run was asked for; by its job. */
export const reasons = createStore<{ byJob: Readonly<Record<string, Explanation>> }>(() => ({
  byJob: {},
}));

/** Jobs whose reasons are kept. */
const MANY = 50;

/** A run should not wait long for the explanation of what it will do. */
const PATIENCE = 400;

/** Queue a run. Problems of the workflow are thrown as a ServerError. */
export async function run({ workflow, title, only, params, trial }: RunRequest): Promise<Job> {
  const signal = AbortSignal.timeout(PATIENCE);
  const lines = params ? {} : await explain(workflow, signal, only).catch(() => ({}));
  const options = {
    ...(only ? { only } : {}),
    ...(params ? { params } : {}),
    ...(trial ? { trial } : {}),
    ...requestOptions(),
  };
  const job = await learnJob(api.submit({ workflow, title, ...options }));
  reasons.setState(({ byJob }) => {
    const kept = Object.entries(byJob).slice(1 - MANY);
    return { byJob: { ...Object.fromEntries(kept), [job.id]: lines } };
  });
  return job;
}
