import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { NO_RUN, progressOf, recorded, type Run, runAfter, runOf } from "./run";
import type { EventData, EventKind, Job, ServerEvent } from "../types";

function event<Kind extends EventKind>(kind: Kind, data: EventData[Kind]): ServerEvent {
  return { type: "event", seq: 1, job: "j", time: 0, kind, data } as ServerEvent;
}

function after(events: ServerEvent[], before: Run = runOf("j", NO_RUN)): Run {
  return events.reduce(runAfter, before);
}

const started = event("job.started", { device: "cpu", attempt: 1 });

describe("a run", () => {
  test("is as it was after an event that says nothing of it, or that only a newer server knows", () => {
    const run = after([started]);
    const others = ["job.moved", "job.deleted", "job.sung"] as EventKind[];

    expect(others.map((kind) => runAfter(run, event(kind, {} as EventData[EventKind])))).toEqual(
      others.map(() => run),
    );
  });

  test("that was asked to stop is cancelled when it has stopped", () => {
    const begun = [started, event("node.started", { node: "sample", items: [] })];

    const asked = after([...begun, event("job.cancelling", {})]);
    const run = runAfter(asked, event("job.cancelled", {}));

    expect(asked).toMatchObject({ state: "running", cancelling: true });
    expect(run).toMatchObject({ state: "cancelled", cancelling: false, nodes: { sample: { phase: "waiting" } } });
  });

  test("moves on while its nodes count, item by item and batch by batch, and never back", () => {
    const step = (items: number[], done: number) => event("node.progress", { node: "s", items, done, total: 4 });
    const end = (item: number) => event("node.finished", { node: "s", items: [item], seconds: 1 });
    const events = [
      event("job.progress", { done: 0, total: 4 }),
      event("node.started", { node: "s", items: [0, 1] }),
      step([0, 1], 1),
      step([0, 1], 4),
      end(0),
      end(1),
      event("node.started", { node: "s", items: [2] }),
      event("node.started", { node: "s", items: [3] }),
      step([2], 2),
      step([3], 1),
      end(2),
      end(3),
    ];

    let run = after([started]);
    const shown = events.map((one) => progressOf((run = runAfter(run, one))));

    expect(shown).toEqual([0, 0, 0.125, 0.5, 0.5, 0.5, 0.5, 0.5, 0.625, 0.6875, 0.8125, 1]);
  });

  test("counts an item once, though a known one whose value is gone ends a second time", () => {
    const end = (items: number[]) => event("node.finished", { node: "s", items, seconds: 1 });
    const known = [started, event("job.progress", { done: 0, total: 3 }), event("node.cached", { node: "s", items: [0, 1, 2] })];

    const run = after([...known, event("node.started", { node: "s", items: [1] }), end([1])]);

    expect(run).toMatchObject({ done: 3, total: 3, nodes: { s: { ended: 3, cached: 2, phase: "done" } } });
  });

  test("that was cancelled amid a step counts no step of it", () => {
    const begun = [started, event("job.progress", { done: 1, total: 2 })];
    const step = event("node.progress", { node: "s", items: [], done: 1, total: 2 });

    expect(progressOf(after([...begun, step]))).toBe(0.75);
    expect(progressOf(after([...begun, step, event("job.cancelled", {})]))).toBe(0.5);
  });
});

describe("a node", () => {
  test("is as it was after an event that only a newer server knows", () => {
    const begun = after([started, event("node.started", { node: "sample", items: [] })]);

    const run = runAfter(begun, event("node.sung" as EventKind, { node: "sample", items: [] } as never));

    expect(run.nodes["sample"]).toEqual(begun.nodes["sample"]);
  });

  test("runs from its first to its last item, whichever ends first", () => {
    const begun = [started, event("node.started", { node: "sample", items: [0, 1] })];
    const one = event("node.finished", { node: "sample", items: [1], seconds: 2 });
    const other = event("node.finished", { node: "sample", items: [0], seconds: 3 });

    expect(after([...begun, one]).nodes["sample"]?.phase).toBe("running");
    expect(after([...begun, one, other]).nodes["sample"]).toMatchObject({
      phase: "done",
      ended: 2,
      cached: 0,
      seconds: 5,
    });
  });

  test("of which three items were known and one ran has run, and says how many were known", () => {
    const run = after([
      started,
      event("node.cached", { node: "sample", items: [0, 2, 3] }),
      event("node.started", { node: "sample", items: [1] }),
      event("node.progress", { node: "sample", items: [1], done: 5, total: 20 }),
      event("node.finished", { node: "sample", items: [1], seconds: 1 }),
    ]);

    expect(run.nodes["sample"]).toMatchObject({ phase: "done", ended: 4, cached: 3, step: null });
  });

  test("tells what memory did not suffice for, item by item and part by part, each once", () => {
    const finished = { items: [], seconds: 1 };
    const run = after([
      started,
      event("node.finished", { ...finished, node: "sample/denoise", degraded: ["batch 2"] }),
      event("node.finished", { ...finished, node: "sample/denoise", degraded: ["batch 2"] }),
      event("node.finished", { ...finished, node: "sample/decode", degraded: ["tiled"] }),
      event("node.finished", { ...finished, node: "grid" }),
    ]);

    expect(run.nodes["sample"]?.degraded).toEqual(["batch 2", "tiled"]);
    expect(run.nodes["grid"]?.degraded).toEqual([]);
  });

  test("tells where it went on from what an earlier run had done", () => {
    const denoised = { node: "sample/denoise", items: [], seconds: 1 };
    const run = after([
      started,
      event("node.finished", { ...denoised, resumed: "at step 16 of 20" }),
      event("node.finished", { ...denoised, resumed: "at step 16 of 20" }),
      event("node.finished", { node: "sample/decode", items: [], seconds: 1 }),
    ]);

    expect(run.nodes["sample"]?.resumed).toEqual(["at step 16 of 20"]);
  });

  test("that is drawn as one and runs as several shows the step of the part at work", () => {
    const run = after([
      started,
      event("node.cached", { node: "sample/prompt", items: [] }),
      event("node.started", { node: "sample/denoise", items: [] }),
      event("node.progress", { node: "sample/denoise", items: [], done: 3, total: 20 }),
    ]);

    expect(Object.keys(run.nodes)).toEqual(["sample"]);
    expect(run.nodes["sample"]).toMatchObject({ phase: "running", step: { done: 3, total: 20 } });
  });

  test("with a failed item stays failed while the others go on", () => {
    const run = after([
      started,
      event("node.started", { node: "load", items: [0, 1] }),
      event("node.failed", { node: "load", items: [0], message: "no such file" }),
      event("node.finished", { node: "load", items: [1], seconds: 1 }),
    ]);

    expect(run.nodes["load"]).toMatchObject({ phase: "failed", message: "no such file" });
  });

  test("has its pictures in the order of its items, not in that of their coming", () => {
    const made = (item: number) =>
      event("node.result", { node: "s", items: [item], output: "image", assets: [`${item}.png`] });

    const run = after([started, ...[10, 2, 0].map(made)]);

    expect(run.nodes["s"]?.pictures["image"]).toEqual(["0.png", "2.png", "10.png"]);
  });
});

describe("a new run of the same graph", () => {
  const shown = (asset: string) =>
    event("node.result", { node: "s", items: [], output: "image", assets: [asset] });
  const before = after([started, shown("old.png")]);

  test("keeps the last pictures until there is a new one", () => {
    const waiting = after([started, event("node.started", { node: "s", items: [] })], runOf("k", before));

    expect(waiting.nodes["s"]?.pictures).toEqual({ image: ["old.png"] });
    expect(runAfter(waiting, shown("new.png")).nodes["s"]?.pictures).toEqual({ image: ["new.png"] });
  });

  test("shows nothing else of the one before", () => {
    expect(runOf("k", before).nodes["s"]).toMatchObject({ phase: "waiting", ended: 0 });
  });
});

describe("a job whose events are no longer kept", () => {
  const record = (state: Job["state"], more: Partial<Job> = {}) =>
    ({ id: "j", state, done: 4, total: 5, error: null, ...more }) as Job;

  test.each(["done", "failed", "cancelled", "running"] as const)("is shown as the record has it: %s", (state) => {
    expect(recorded(runOf("j", NO_RUN), record(state))).toMatchObject({ state, done: 4, total: 5 });
  });

  test("tells why it failed", () => {
    const problems = [{ address: "a", message: "no" }];

    expect(recorded(runOf("j", NO_RUN), record("failed", { error: { problems } })).problems).toEqual(problems);
  });

  test("is as its events tell where these are newer", () => {
    const run = after([started, event("job.cancelled", {})]);

    expect(recorded(run, record("running"))).toBe(run);
  });
});

describe("a job", () => {
  test("is as far as its nodes tell, where the server has not told yet", () => {
    const run = after([
      started,
      event("job.progress", { done: 1, total: 20 }),
      event("node.cached", { node: "a", items: [0, 1, 2, 3] }),
      event("node.cached", { node: "b", items: [] }),
    ]);

    expect([run.done, run.total]).toEqual([5, 20]);
  });

  test("that is tried again counts from the beginning", () => {
    const attempt = [started, event("node.cached", { node: "a", items: [] })];

    expect(after([...attempt, event("job.requeued", { why: "" }), ...attempt]).nodes["a"]?.ended).toBe(1);
  });

  test("that ended leaves no node running", () => {
    const kinds = ["node.started", "node.progress", "node.finished", "node.cached"] as const;
    const some = fc.record({ kind: fc.constantFrom(...kinds), node: fc.constantFrom("a", "b", "a/x") });
    fc.assert(
      fc.property(fc.array(some), (steps) => {
        const events = steps.map(({ kind, node }) =>
          event(kind, { node, items: [], done: 1, total: 2, seconds: 1 }),
        );
        const run = after([started, ...events, event("job.cancelled", {})]);
        expect(Object.values(run.nodes).map((node) => node.phase)).not.toContain("running");
      }),
    );
  });
});
