import { FRESH, type NodeRun, drawnName, isNodeEvent, nodeAfter } from "./nodeRun";
import type { JobState, Problem, ServerEvent } from "./types";

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
  const nodes = Object.entries(before.nodes).map(([name, node]) => [name, emptied(node)]);
  return { ...NO_RUN, job, state: "queued", nodes: Object.fromEntries(nodes) as Run["nodes"] };
}

/** The run after one more event of its job. */
export function runAfter(run: Run, event: ServerEvent): Run {
  if (isNodeEvent(event)) {
    const name = drawnName(event.data.node);
    return { ...run, nodes: { ...run.nodes, [name]: nodeAfter(run.nodes[name], event) } };
  }
  switch (event.kind) {
    case "job.queued":
    case "job.requeued":
      return { ...run, state: "queued" };
    case "job.started":
      return { ...run, state: "running" };
    case "job.progress":
      return { ...run, done: event.data.done, total: event.data.total };
    case "job.done":
      return { ...run, state: "done", done: run.total };
    case "job.failed":
      return { ...run, state: "failed", problems: event.data.problems, nodes: stopped(run.nodes) };
    case "job.cancelled":
      return { ...run, state: "cancelled", nodes: stopped(run.nodes) };
    case "queue.changed":
      return run;
  }
}

function emptied({ pictures }: NodeRun): NodeRun {
  return { ...FRESH, pictures, parts: {} };
}

/** Nothing runs any more, so nothing may look as if it did. */
function stopped(nodes: Run["nodes"]): Run["nodes"] {
  const still = Object.entries(nodes).map(([name, node]): [string, NodeRun] =>
    node.phase === "running"
      ? [name, { ...node, phase: "waiting", open: 0, step: null }]
      : [name, node],
  );
  return Object.fromEntries(still);
}
