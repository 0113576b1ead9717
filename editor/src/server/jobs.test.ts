import { beforeEach, describe, expect, test, vi } from "vitest";

import * as api from "./api";
import { waiting } from "./job";
import { forgetJob, jobs, learnJob, loadJobs, loadOlderJobs } from "./jobs";
import { hearJobEvent } from "./jobEvents";
import { loadOrder } from "./queueOrder";
import type { EventData, EventKind, Job, ServerEvent } from "./types";

const JOB = { id: "j", seq: 1, title: "One", state: "queued", started: null, finished: null } as Job;
const RUNNING: Job = { ...JOB, state: "running", started: 40 };

function event<Kind extends EventKind>(kind: Kind, data: EventData[Kind], job = "j"): ServerEvent {
  return { type: "event", seq: 1, job, time: 50, kind, data } as unknown as ServerEvent;
}

const started = event("job.started", { device: "cpu", attempt: 1 });
const done = event("job.done", { results: [], counts: { ran: 1, cached: 0 }, seconds: 1 });
const cancelled = event("job.cancelled", {});

/** A server whose answers are given one by one, each to the oldest request for such a path. */
function answers() {
  const open: { path: string; answer(body: Response): void }[] = [];
  const server = {
    asked: (path: string) => open.filter((one) => one.path.startsWith(path)).length,
    async give(path: string, body: object, status = 200) {
      const at = open.findIndex((one) => one.path.startsWith(path));
      if (at < 0) throw new Error(`${path} was not asked for`);
      open.splice(at, 1)[0]?.answer(new Response(JSON.stringify(body), { status }));
      await new Promise((done) => setTimeout(done));
    },
  };
  vi.stubGlobal("fetch", (path: string) => new Promise((answer) => open.push({ path, answer })));
  return server;
}

const known = (id = "j") => jobs.getState().jobs[id];
const know = (...list: Job[]) =>
  jobs.setState({ jobs: Object.fromEntries(list.map((job) => [job.id, job])) });
const page = (...list: Job[]) => ({ jobs: list, next: null });

beforeEach(() => jobs.setState({ jobs: {}, order: [], next: null }));

describe("what an answer says of a job", () => {
  test("is older than what was told while it came: a cancelled job runs no more", async () => {
    const server = answers();
    know(RUNNING);
    const asked = learnJob(api.cancelJob("j"));
    hearJobEvent(event("job.cancelling", {}));
    hearJobEvent(cancelled);

    await server.give("/v1/jobs/j/cancel", { ...RUNNING, cancel_requested: true });
    await asked;

    expect(known()).toMatchObject({ state: "cancelled", finished: 50 });
  });

  test("stays where a slower event tells what was before it", async () => {
    const server = answers();
    know(JOB);
    const asked = learnJob(api.cancelJob("j"));
    await server.give("/v1/jobs/j/cancel", { ...JOB, state: "cancelled", finished: 60 });
    await asked;

    hearJobEvent(started);

    expect(known()).toMatchObject({ state: "cancelled", finished: 60 });
  });

  test("is of a job that started before the order for it was answered", async () => {
    const server = answers();
    const asked = learnJob(api.submit({ workflow: { nodes: {} } } as never));
    hearJobEvent(started);

    await server.give("/v1/jobs", JOB);
    await asked;
    expect(known()).toMatchObject({ state: "running", started: 50 });

    await server.give("/v1/jobs/j", RUNNING);
    expect(known()).toMatchObject({ state: "running", started: 40 });
  });

  test("is read once for all that is told of an unknown job meanwhile", async () => {
    const server = answers();
    hearJobEvent(event("job.queued", { title: "One", priority: 0 }));
    hearJobEvent(started);
    hearJobEvent(done);
    expect(server.asked("/v1/jobs/j")).toBe(1);

    await server.give("/v1/jobs/j", JOB);

    expect(known()?.state).toBe("done");
    expect(server.asked("/v1/jobs/j")).toBe(0);
  });

  test("is asked for again by the next event where the server did not answer", async () => {
    const server = answers();
    hearJobEvent(started);
    await server.give("/v1/jobs/j", {}, 503);
    hearJobEvent(event("job.progress", { done: 1, total: 2 }));

    await server.give("/v1/jobs/j", RUNNING);

    expect(known()).toMatchObject({ state: "running" });
  });
});

describe("reading all anew", () => {
  async function answered(server: ReturnType<typeof answers>, newest: Job[], running: Job[] = []) {
    await server.give("/v1/jobs?limit", page(...newest));
    await server.give("/v1/queue", page());
    await server.give("/v1/jobs?state=running", page(...running));
  }

  test("takes nothing back of what was told while the answers came", async () => {
    const server = answers();
    const asked = loadJobs();
    hearJobEvent(cancelled);

    await answered(server, [RUNNING], [RUNNING]);
    await asked;

    expect(known()?.state).toBe("cancelled");
  });

  test("keeps a job that came too late for the answers, and forgets one that is gone", async () => {
    const server = answers();
    know({ ...JOB, id: "gone", state: "done" });
    const asked = loadJobs();
    hearJobEvent(event("job.queued", { title: "New", priority: 0 }, "new"));
    await server.give("/v1/jobs/new", { ...JOB, id: "new" });

    await answered(server, [JOB]);
    await asked;

    expect(Object.keys(jobs.getState().jobs).sort()).toEqual(["j", "new"]);
  });
});

test("a job that was deleted elsewhere goes, whatever an older answer says", async () => {
  const server = answers();
  know({ ...JOB, state: "done" });
  jobs.setState({ next: 7 });
  const asked = loadOlderJobs();
  hearJobEvent({ ...event("job.deleted", { id: "j" }), job: null });
  expect(known()).toBeUndefined();

  await server.give("/v1/jobs?before=7", page({ ...JOB, state: "done" }));
  await asked;

  expect(known()).toBeUndefined();
});

test("an older answer about the order brings no cancelled job back", async () => {
  const server = answers();
  know(JOB);
  const asked = loadOrder();
  hearJobEvent(cancelled);

  await server.give("/v1/queue", page(JOB));
  await asked;

  expect(waiting(jobs.getState())).toEqual([]);
});

test("a job that is forgotten is not known", () => {
  know(JOB);

  forgetJob("j");

  expect(known()).toBeUndefined();
});

test("those of which no place is known yet wait last, in the order they came", () => {
  const queued = (id: string, seq: number): Job => ({ ...JOB, id, seq });
  const all = { a: queued("a", 1), b: queued("b", 2), c: queued("c", 3), d: queued("d", 4) };

  expect(waiting({ jobs: all, order: ["c", "a"] }).map(({ id }) => id)).toEqual(["c", "a", "b", "d"]);
});
