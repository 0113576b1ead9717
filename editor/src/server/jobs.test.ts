import { beforeEach, expect, test, vi } from "vitest";

import { hearJobEvent, jobs, knowJob, knowNewJob, loadOrder, waiting } from "./jobs";
import type { Job, ServerEvent } from "./types";

const JOB = { id: "j", seq: 1, title: "One", state: "queued", started: null, finished: null } as Job;

function event(kind: string, data: object = {}): ServerEvent {
  return { type: "event", seq: 1, job: "j", time: 50, kind, data } as ServerEvent;
}

/** A server whose answers about a job are given one by one. */
function answers(): { asked: number; give(job: Job): Promise<void> } {
  const open: ((answer: Response) => void)[] = [];
  const server = {
    asked: 0,
    async give(job: Job) {
      open.shift()?.(new Response(JSON.stringify(job)));
      await new Promise((done) => setTimeout(done));
    },
  };
  vi.stubGlobal("fetch", (path: string) => {
    if (path.includes("/v1/queue")) return Promise.resolve(new Response('{"jobs":[],"next":null}'));
    server.asked += 1;
    return new Promise<Response>((resolve) => open.push(resolve));
  });
  return server;
}

const known = () => jobs.getState().jobs["j"];

beforeEach(() => jobs.setState({ jobs: {}, order: [], next: null }));

test("a job that started before its order was answered stays started", async () => {
  const server = answers();
  hearJobEvent(event("job.started", { device: "cpu", attempt: 1 }));
  await server.give({ ...JOB, state: "running", started: 50 });

  knowNewJob(JOB);

  expect(known()).toMatchObject({ state: "running", started: 50 });
});

test("what happens while a job is read has it read once more, not many times at once", async () => {
  const server = answers();
  hearJobEvent(event("job.queued"));
  hearJobEvent(event("job.started", { device: "cpu", attempt: 1 }));
  hearJobEvent(event("job.done", { results: [], counts: {}, seconds: 1 }));
  expect(server.asked).toBe(1);

  await server.give(JOB);
  expect(server.asked).toBe(2);
  await server.give({ ...JOB, state: "done" });

  expect(known()?.state).toBe("done");
  expect(server.asked).toBe(2);
});

test("an older answer about the order brings no cancelled job back", async () => {
  const stale = JSON.stringify({ jobs: [JOB], next: null });
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(stale)));
  knowJob({ ...JOB, state: "cancelled" });

  await loadOrder();

  expect(waiting(jobs.getState())).toEqual([]);
});

test("those of which no place is known yet wait last, in the order they came", () => {
  const queued = (id: string, seq: number): Job => ({ ...JOB, id, seq });
  const all = { a: queued("a", 1), b: queued("b", 2), c: queued("c", 3), d: queued("d", 4) };

  expect(waiting({ jobs: all, order: ["c", "a"] }).map(({ id }) => id)).toEqual(["c", "a", "b", "d"]);
});
