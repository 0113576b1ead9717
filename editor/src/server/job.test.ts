import { describe, expect, test } from "vitest";

import { jobAfter } from "./job";
import type { EventData, EventKind, Job, ServerEvent } from "./types";

const RUNNING = { id: "j", state: "running", degraded: ["tiled"], results: [] } as unknown as Job;

function after<Kind extends EventKind>(job: Job, kind: Kind, data: EventData[Kind]): Job {
  return jobAfter(job, { type: "event", seq: 1, job: "j", time: 50, kind, data } as unknown as ServerEvent);
}

describe("a job", () => {
  test("that failed has what it made nevertheless, and says what memory did not suffice for", () => {
    const results = [{ name: "edges" }] as unknown as Job["results"];

    const failed = after(RUNNING, "job.failed", { problems: [], results, degraded: ["batch 1 of 2"] });

    expect(failed).toMatchObject({ state: "failed", finished: 50, results, degraded: ["batch 1 of 2"] });
  });

  test("that was asked to stop says so until it has", () => {
    const asked = after(RUNNING, "job.cancelling", {});

    expect(asked).toMatchObject({ state: "running", cancel_requested: true });
    expect(after(asked, "job.cancelled", {}).state).toBe("cancelled");
  });

  test("whose worker is gone waits again", () => {
    expect(after(RUNNING, "job.requeued", { why: "" })).toMatchObject({ state: "queued", started: null });
  });

  test("that has ended stays as it is", () => {
    const over = { ...RUNNING, state: "done" } as Job;

    expect(after(over, "job.progress", { done: 1, total: 2 })).toBe(over);
  });
});
