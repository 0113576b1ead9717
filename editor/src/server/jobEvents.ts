/** Events of jobs from the websocket, taken into the store; an unknown job is read. */

import * as api from "./api";
import { jobAfter } from "./job";
import { forgetJob, jobs, learnJob, listening } from "./jobs";
import { orderSoon } from "./queueOrder";
import type { ServerEvent } from "./types";

const ORDERING: ReadonlySet<string> = new Set(["job.queued", "job.requeued", "queue.changed"]);

/** Take an event from the websocket. */
export function hearJobEvent(event: ServerEvent): void {
  if (ORDERING.has(event.kind)) orderSoon();
  if (event.kind.startsWith("node.")) return;
  for (const heard of listening) heard.push(event);
  if (event.kind === "job.deleted") forgetJob(event.data.id);
  if (event.job === null) return;
  const job = jobs.getState().jobs[event.job];
  if (event.kind === "result.deleted" || event.kind === "result.restored") {
    // Which pictures a job has to show, only the server tells; one that is gone has none.
    if (job) void readJob(event.job);
    return;
  }
  if (!job) void readJob(event.job);
  else jobs.setState((state) => ({ jobs: { ...state.jobs, [job.id]: jobAfter(job, event) } }));
}

/** Those that are being read because of an event about them. */
const reading = new Set<string>();

/** Read a job that something is told of; once, whatever more is told of it meanwhile. */
async function readJob(id: string): Promise<void> {
  if (reading.has(id)) return;
  reading.add(id);
  try {
    await learnJob(api.job(id));
  } catch {
    // It is gone, or the server does not answer: the next event about it has it read again.
  } finally {
    reading.delete(id);
  }
}
