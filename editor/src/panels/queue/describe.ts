/** A job in words: its state, its times, its failures. */

import type { Job } from "../../server";
import { moment, span } from "../../ui/times";

/** A job in a few words: where it stands, how long it takes or took, what it had to do. */
export function describe(job: Job, now: number): string {
  switch (job.state) {
    case "queued":
      return `${job.attempts ? "waits again, queued" : "since"} ${moment(job.created)}`;
    case "running":
      return [progress(job), job.started === null ? null : span(Math.max(0, now - job.started))]
        .filter(Boolean)
        .join(" · ");
    case "done":
      return [moment(job.finished ?? job.created), duration(job), counted(job), lessened(job)]
        .filter(Boolean)
        .join(" · ");
    case "failed":
    case "cancelled":
      return [moment(job.finished ?? job.created), duration(job), job.state].filter(Boolean).join(" · ");
  }
}

/** Why a job failed, mistake by mistake. */
export function failures(job: Job): string[] {
  return (job.error?.problems ?? []).map(({ address, message }) =>
    address ? `${address}: ${message}` : message,
  );
}

function progress(job: Job): string {
  if (job.cancel_requested) return "is being cancelled";
  return job.total ? `${job.done} of ${job.total} items` : "runs";
}

function duration(job: Job): string | null {
  const { started, finished } = job;
  return started === null || finished === null ? null : span(finished - started);
}

/** What was computed otherwise than asked, where memory was short. */
function lessened({ degraded }: Job): string | null {
  return degraded.length ? `short of memory: ${degraded.join(", ")}` : null;
}

function counted({ counts }: Job): string | null {
  const { ran = 0, cached = 0, resumed = 0 } = counts;
  if (!ran && !cached) return null;
  const on = resumed ? ` (${resumed} resumed)` : "";
  return ran ? `${ran} ran${on}, ${cached} cached` : "all cached";
}
