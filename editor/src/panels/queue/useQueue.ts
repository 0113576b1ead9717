import { useMemo } from "react";
import { useStore } from "zustand";

import { type Job, sentence } from "../../server";
import * as api from "../../server/api";
import { over, running, waiting } from "../../server/job";
import { forgetJob, jobs, learnJob } from "../../server/jobs";
import { moveInQueue } from "../../server/queueOrder";
import { type Host, useHost } from "../host";
import { moved, predecessor } from "./order";

export interface QueueActions {
  cancel(job: Job): void;
  retry(job: Job): void;
  remove(job: Job): void;
  open(job: Job): void;
  /** Move a waiting job to this place among those that wait. */
  move(job: Job, to: number): void;
}

/** The queue as it stands, and all that can be done with it. */
export function useQueue(): {
  waiting: Job[];
  running: Job[];
  over: Job[];
  more: boolean;
  /** Whether the server has told what there is. */
  loaded: boolean;
  actions: QueueActions;
} {
  const host = useHost();
  const state = useStore(jobs);
  const queued = useMemo(() => waiting(state), [state]);
  return {
    waiting: queued,
    running: running(state.jobs),
    over: over(state.jobs),
    more: state.next !== null,
    loaded: state.loaded,
    actions: actionsOf(host, queued),
  };
}

function actionsOf(host: Host, queued: Job[]): QueueActions {
  const attempt = (action: Promise<unknown>) => {
    action.catch((error: unknown) => host.say(sentence(error)));
  };
  return {
    cancel: (job) => attempt(learnJob(api.cancelJob(job.id))),
    retry: (job) => attempt(learnJob(api.retryJob(job.id))),
    remove: (job) => attempt(api.deleteJob(job.id).then(() => forgetJob(job.id))),
    open: (job) =>
      attempt(
        api
          .jobWorkflow(job.id)
          .then((workflow) => host.open(workflow, { kind: "job", job: job.id, title: job.title })),
      ),
    move: (job, to) => {
      const ids = queued.map(({ id }) => id);
      attempt(moveInQueue(job.id, predecessor(ids, job.id, to), moved(ids, job.id, to)));
    },
  };
}
