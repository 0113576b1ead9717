/** A run as the canvas shows it, folded from the events of its job. */

import { type NodeRun, drawnName, isNodeEvent, nodeAfter, renewed } from "./nodeRun";
import type { JobState, Problem, ServerEvent } from "../types";

/** The job whose course the canvas shows, as far as events have told. */
export interface Run {
  job: string | null;
  state: JobState | null;
  done: number;
  total: number;
  problems: readonly Problem[];
  /** By drawn node. Each node subscribes to its own entry. */
  nodes: Readonly<Record<string, NodeRun>>;
}

export const NO_RUN: Run = { job: null, state: null, done: 0, total: 0, problems: [], nodes: {} };

/** A run of which nothing has been heard yet, with the pictures of the one before. */
export function runOf(job: string, before: Run): Run {
  return { ...NO_RUN, job, state: "queued", nodes: allRenewed(before.nodes) };
}

/** The run after one more event of its job. */
export function runAfter(run: Run, event: ServerEvent): Run {
  if (isNodeEvent(event)) {
    const name = drawnName(event.data.node);
    const nodes = { ...run.nodes, [name]: nodeAfter(run.nodes[name], event) };
    // The server tells the job's progress now and then; what its nodes told may be ahead of it.
    return { ...run, nodes, done: Math.max(run.done, endedIn(nodes)) };
  }
  switch (event.kind) {
    case "job.queued":
    case "job.requeued":
      return { ...run, state: "queued" };
    case "job.started":
      // A second attempt tells everything from the beginning.
      return { ...run, state: "running", done: 0, nodes: allRenewed(run.nodes) };
    case "job.progress":
      return { ...run, done: Math.max(run.done, event.data.done), total: event.data.total };
    case "job.done":
      return { ...run, state: "done", done: run.total };
    case "job.failed":
      return { ...run, state: "failed", problems: event.data.problems, nodes: stopped(run.nodes) };
    case "job.cancelled":
      return { ...run, state: "cancelled", nodes: stopped(run.nodes) };
    // Also what a newer server tells, which this page cannot know.
    default:
      return run;
  }
}

function endedIn(nodes: Run["nodes"]): number {
  const parts = Object.values(nodes).flatMap((node) => Object.values(node.parts));
  return parts.reduce((sum, part) => sum + part.ended, 0);
}

function allRenewed(nodes: Run["nodes"]): Run["nodes"] {
  return mapped(nodes, renewed);
}

/** Nothing runs any more, so nothing may look as if it did. */
function stopped(nodes: Run["nodes"]): Run["nodes"] {
  return mapped(nodes, (node) =>
    node.phase === "running" ? { ...node, phase: "waiting", open: 0, step: null } : node,
  );
}

function mapped(nodes: Run["nodes"], change: (node: NodeRun) => NodeRun): Run["nodes"] {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, change(node)]));
}
