/** The workflow that the shown job ran: what was changed since is old at its node. */

import { createStore, useStore } from "zustand";

import { changedSince, kindsNow, present, readWorkflow, useEditor, type Workflow } from "../graph";
import { api, runs, type NodeRun, type Phase } from "../server";

interface Ran {
  readonly job: string | null;
  /** Null: not known, or not yet. */
  readonly workflow: Workflow | null;
}

export const ran = createStore<Ran>()(() => ({ job: null, workflow: null }));

/** Workflows of the jobs that were queued from here; those of others are asked for. */
const queued = new Map<string, Workflow>();

/** Workflows that are kept. */
const MANY = 50;

/** Note the workflow that a job was queued with. */
export function noteRun(job: string, workflow: Workflow) {
  queued.set(job, workflow);
  for (const oldest of [...queued.keys()].slice(0, -MANY)) queued.delete(oldest);
  if (runs.getState().run.job === job) ran.setState({ job, workflow });
}

/** Know the workflow of whichever job is shown. Returns how to stop. */
export function watchRan(): () => void {
  let asked: string | null = null;
  const look = () => {
    const { job } = runs.getState().run;
    if (job === asked) return;
    asked = job;
    const workflow = (job !== null && queued.get(job)) || null;
    ran.setState({ job, workflow });
    if (job !== null && workflow === null) void read(job);
  };
  look();
  return runs.subscribe(look);
}

async function read(job: string) {
  try {
    const workflow = readWorkflow(await api.jobWorkflow(job));
    if (ran.getState().job === job) ran.setState({ job, workflow });
  } catch {
    // It is gone, or the server is away: then nothing is known to be old.
  }
}

/** Whether a node was changed since the run that is shown, or depends on one that was. */
export function useIsOld(node: string): boolean {
  const then = useStore(ran, (state) => state.workflow);
  return useEditor((state) => then !== null && changedSince(then, present(state), kindsNow(state)).has(node));
}

/** Whether anything that the shown run did would be done otherwise now. */
export function hasChanged(): boolean {
  const { workflow } = ran.getState();
  const names = workflow && changedSince(workflow, present(), kindsNow());
  return names !== null && Object.keys(runs.getState().run.nodes).some((name) => names.has(name));
}

export function useHasChanged(): boolean {
  useStore(ran);
  useStore(runs, ({ run }) => run.nodes);
  useEditor((state) => present(state));
  return hasChanged();
}

/** How a node fares in the run that is shown; what it did before it was changed is no news. */
export function useFreshRun(node: string): NodeRun | undefined {
  const run = useStore(runs, (state) => state.run.nodes[node]);
  const old = useIsOld(node);
  return old && run?.phase !== "running" ? undefined : run;
}

/** The same, for what need not be drawn anew with every step. */
export function useFreshPhase(node: string): Phase | undefined {
  const phase = useStore(runs, (state) => state.run.nodes[node]?.phase);
  const old = useIsOld(node);
  return old && phase !== "running" ? undefined : phase;
}
