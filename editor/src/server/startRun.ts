/** The start of a run: explained, queued as a job, and followed. */

import { createStore } from "zustand/vanilla";

import * as api from "./api";
import { explain, type Explanation } from "./explain";
import { learnJob } from "./jobs";
import { requestOptions } from "./runOptions";
import { follow, runs } from "./runs/runs";
import type { Job, Json, WorkflowDocument } from "./types";

export interface RunRequest {
  /** The job that was run from the same graph before. */
  before?: string | null;
  workflow: WorkflowDocument;
  title: string;
  only?: string[];
  params?: Record<string, Json>;
}

/** Why each node was expected to run, or not to, when the shown run was asked for. */
export const reasons = createStore<{ lines: Explanation }>(() => ({ lines: {} }));

/** A run should not wait long for the explanation of what it will do. */
const PATIENCE = 400;

/** Queue a run and show its course. Problems of the workflow are thrown as a ServerError. */
export async function run({ workflow, title, only, params, before = null }: RunRequest): Promise<Job> {
  if (!params) {
    const signal = AbortSignal.timeout(PATIENCE);
    reasons.setState({ lines: await explain(workflow, signal, only).catch(() => ({})) });
  }
  const options = { ...(only ? { only } : {}), ...(params ? { params } : {}), ...requestOptions() };
  const job = await learnJob(api.submit({ workflow, title, ...options }));
  void follow(job.id, before !== null && runs.getState().run.job === before);
  return job;
}
