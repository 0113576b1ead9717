import { createStore } from "zustand/vanilla";

import * as api from "./api";
import { asked } from "./runOptions";
import { learnJob } from "./jobs";
import { follow, runs } from "./runs/runs";
import type { ExplainLine, Job, Json, WorkflowDocument } from "./types";

export interface RunRequest {
  /** The job that was run from the same graph before. */
  before?: string | null;
  workflow: WorkflowDocument;
  title: string;
  only?: string[];
  params?: Record<string, Json>;
}

/** Why each node was expected to run, or not to, when the shown run was asked for. */
export const reasons = createStore<{ lines: Readonly<Record<string, ExplainLine[]>> }>(() => ({
  lines: {},
}));

/** A run should not wait long for the explanation of what it will do. */
const PATIENCE = 400;

/** Queue a run and show its course. Problems of the workflow are thrown as a ServerError. */
export async function run({ workflow, title, only, params, before = null }: RunRequest): Promise<Job> {
  if (!params) await explain(workflow, only);
  const options = { ...(only ? { only } : {}), ...(params ? { params } : {}), ...asked() };
  const job = await learnJob(api.submit({ workflow, title, ...options }));
  void follow(job.id, before !== null && runs.getState().run.job === before);
  return job;
}

async function explain(workflow: WorkflowDocument, only: string[] | undefined): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE);
  const lines = await api.explain(workflow, only, signal).catch(() => []);
  const byNode: Record<string, ExplainLine[]> = {};
  for (const line of lines) (byNode[line.name.split("/", 1)[0] ?? line.name] ??= []).push(line);
  reasons.setState({ lines: byNode });
}
