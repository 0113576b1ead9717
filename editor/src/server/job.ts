/** A job as it stands: what an event makes of it, and in which group it is shown. */

import type { Job, ServerEvent } from "./types";

/** The job after one more event about it; what has ended stays as it is. */
export function jobAfter(job: Job, event: ServerEvent): Job {
  if (isOver(job)) return job;
  switch (event.kind) {
    case "job.requeued":
      return { ...job, state: "queued", started: null, done: 0, total: 0 };
    case "job.started": {
      const { attempt } = event.data;
      return { ...job, state: "running", started: event.time, attempts: attempt, done: 0, total: 0 };
    }
    case "job.progress":
      return { ...job, done: event.data.done, total: event.data.total };
    case "job.cancelling":
      return { ...job, cancel_requested: true };
    case "job.done": {
      const { results, counts, degraded = job.degraded, short = false } = event.data;
      return { ...job, state: "done", finished: event.time, results, counts, degraded, short };
    }
    case "job.failed": {
      const { problems, results, degraded = job.degraded, short = false } = event.data;
      const error = { problems };
      return { ...job, state: "failed", finished: event.time, error, results, degraded, short };
    }
    case "job.cancelled":
      return { ...job, state: "cancelled", finished: event.time };
    default:
      return job;
  }
}

export function isOver(job: Job): boolean {
  return job.state !== "queued" && job.state !== "running";
}

type Jobs = Readonly<Record<string, Job>>;

/** Those that wait, in the order in which they will run; of which that is not known yet, last. */
export function waiting({ jobs, order }: { jobs: Jobs; order: readonly string[] }): Job[] {
  const place = new Map(order.map((id, at) => [id, at]));
  const placeOf = (job: Job) => place.get(job.id) ?? order.length;
  return Object.values(jobs)
    .filter((job) => job.state === "queued")
    .sort((left, right) => placeOf(left) - placeOf(right) || left.seq - right.seq);
}

export function running(jobs: Jobs): Job[] {
  return Object.values(jobs)
    .filter((job) => job.state === "running")
    .sort((a, b) => (a.started ?? 0) - (b.started ?? 0));
}

/** Those that have ended, newest first. */
export function over(jobs: Jobs): Job[] {
  return Object.values(jobs)
    .filter(isOver)
    .sort((a, b) => (b.finished ?? b.created) - (a.finished ?? a.created));
}
