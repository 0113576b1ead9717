/** A run as the canvas shows it, folded from the events of its job. */

import { type NodeRun, drawnName, isNodeEvent, nodeAfter, renewed, workOf } from "./nodeRun";
import type { Job, JobState, Problem, ServerEvent } from "../types";

/** The job whose course the canvas shows, as far as events have told. */
export interface Run {
  job: string | null;
  state: JobState | null;
  /** It was asked to stop, and has not yet. */
  cancelling: boolean;
  done: number;
  total: number;
  /** Items that its nodes told to have ended, and how much of those at work is done, in items. */
  ended: number;
  underWay: number;
  problems: readonly Problem[];
  /** By drawn node. Each node subscribes to its own entry. */
  nodes: Readonly<Record<string, NodeRun>>;
}

export const NO_RUN: Run = {
  job: null,
  state: null,
  cancelling: false,
  done: 0,
  total: 0,
  ended: 0,
  underWay: 0,
  problems: [],
  nodes: {},
};

/** A run of which nothing has been heard yet, with the pictures of the one before. */
export function runOf(job: string, before: Run): Run {
  return { ...NO_RUN, job, state: "queued", nodes: allRenewed(before.nodes) };
}

/** The run after one more event of its job. */
export function runAfter(run: Run, event: ServerEvent): Run {
  if (isNodeEvent(event)) {
    const name = drawnName(event.data.node);
    const node = nodeAfter(run.nodes[name], event);
    const [before, now] = [workOf(run.nodes[name]), workOf(node)];
    const ended = run.ended + now.ended - before.ended;
    const underWay = run.underWay + now.underWay - before.underWay;
    // The server tells the job's progress now and then; what its nodes told may be ahead of it.
    const done = Math.max(run.done, ended);
    return { ...run, nodes: { ...run.nodes, [name]: node }, done, ended, underWay };
  }
  switch (event.kind) {
    case "job.queued":
    case "job.requeued":
      return { ...begun(run), state: "queued" };
    case "job.started":
      // A second attempt tells everything from the beginning.
      return { ...begun(run), state: "running" };
    case "job.cancelling":
      return { ...run, cancelling: true };
    case "job.progress":
      return { ...run, done: Math.max(run.done, event.data.done), total: event.data.total };
    case "job.done":
      return { ...over(run, "done"), done: run.total };
    case "job.failed":
      return { ...over(run, "failed"), problems: event.data.problems };
    case "job.cancelled":
      return over(run, "cancelled");
    // Also what a newer server tells, which this page cannot know.
    default:
      return run;
  }
}

/**
 * The run as the server's record has its job. The log of events is not kept for ever: of an old job,
 * or of one that was deleted, it tells less, or nothing.
 */
export function recorded(run: Run, job: Job): Run {
  if (isOver(run.state) || run.state === job.state) return run;
  switch (job.state) {
    case "queued":
      return run;
    case "running":
      return { ...run, state: "running", done: Math.max(run.done, job.done), total: job.total };
    case "done":
    case "cancelled":
      return { ...over(run, job.state), done: job.done, total: job.total };
    case "failed": {
      const problems = job.error?.problems ?? [];
      return { ...over(run, "failed"), problems, done: job.done, total: job.total };
    }
  }
}

export function isOver(state: JobState | null): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}

/** The part of a run that is done, from 0 to 1: the steps of what is at work count too. */
export function progressOf({ done, total, underWay }: Run): number | null {
  return total > 0 ? Math.min(1, (done + underWay) / total) : null;
}

/** A run that begins anew. */
function begun(run: Run): Run {
  return { ...run, cancelling: false, done: 0, ended: 0, underWay: 0, nodes: allRenewed(run.nodes) };
}

/** A run of which nothing is at work any more. */
function over(run: Run, state: JobState): Run {
  return { ...run, state, cancelling: false, underWay: 0, nodes: stopped(run.nodes) };
}

function allRenewed(nodes: Run["nodes"]): Run["nodes"] {
  return mapped(nodes, renewed);
}

/** Nothing runs any more, so nothing may look as if it did. */
function stopped(nodes: Run["nodes"]): Run["nodes"] {
  return mapped(nodes, (node) =>
    node.phase === "running" ? { ...node, phase: "waiting", open: 0, step: null, steps: {} } : node,
  );
}

function mapped(nodes: Run["nodes"], change: (node: NodeRun) => NodeRun): Run["nodes"] {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, change(node)]));
}
