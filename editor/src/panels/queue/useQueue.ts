import { useMemo, useState } from "react";
import { useStore } from "zustand";

import { type Job, sentence } from "../../server";
import * as api from "../../server/api";
import { forgetJob, jobs, knowJob, over, refreshJob, running, waiting } from "../../server/jobs";
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
  actions: QueueActions;
} {
  const host = useHost();
  const all = useStore(jobs, (state) => state.jobs);
  const more = useStore(jobs, (state) => state.next !== null);
  // Where a job was dropped, until the server has told its new place.
  const [order, setOrder] = useState<string[] | null>(null);
  const queued = useMemo(() => inOrder(waiting(all), order), [all, order]);
  const actions = actionsOf(host, queued, setOrder);
  return { waiting: queued, running: running(all), over: over(all), more, actions };
}

function actionsOf(
  host: Host,
  queued: Job[],
  setOrder: (order: string[] | null) => void,
): QueueActions {
  const attempt = (action: Promise<unknown>) => {
    action.catch((error: unknown) => host.say(sentence(error)));
  };
  return {
    cancel: (job) => attempt(api.cancelJob(job.id).then(knowJob)),
    retry: (job) => attempt(api.retryJob(job.id).then(knowJob)),
    remove: (job) => attempt(api.deleteJob(job.id).then(() => forgetJob(job.id))),
    open: (job) =>
      attempt(
        api
          .jobWorkflow(job.id)
          .then((workflow) => host.open(workflow, { kind: "job", job: job.id, title: job.title })),
      ),
    move: (job, to) => {
      const ids = queued.map(({ id }) => id);
      setOrder(moved(ids, job.id, to));
      const asked = api.moveJob(job.id, predecessor(ids, job.id, to));
      attempt(asked.then(knowJob, (error) => refuse(job, error)).finally(() => setOrder(null)));
    },
  };
}

async function refuse(job: Job, error: unknown): Promise<never> {
  await refreshJob(job.id); // it may run by now
  throw error;
}

function inOrder(list: Job[], order: string[] | null): Job[] {
  if (!order) return list;
  const place = (job: Job) => {
    const at = order.indexOf(job.id);
    return at < 0 ? order.length : at;
  };
  return [...list].sort((one, other) => place(one) - place(other));
}
