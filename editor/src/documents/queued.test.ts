import { expect, test } from "vitest";

import type { Job } from "../server";
import { NO_RUN, type Run } from "../server/runs/run";
import { noteQueued, queued, settleQueued, toCancel, toFollow } from "./queued";

const job = (id: string, state: Job["state"], more: Partial<Job> = {}) =>
  ({ id, state, seq: Number(id.slice(1)), started: null, cancel_requested: false, ...more }) as Job;

const RUNS = job("j1", "running", { started: 1 });

function stateOf(...list: Job[]) {
  const order = list.filter(({ state }) => state === "queued").map(({ id }) => id);
  return { jobs: Object.fromEntries(list.map((one) => [one.id, one])), order, loaded: true };
}

const shown = (id: string, state: Run["state"], cancelling = false): Run => ({ ...NO_RUN, job: id, state, cancelling });

test.each<[string, Job[], string | null]>([
  ["what runs, whatever was queued after it", [RUNS, job("j2", "queued"), job("j3", "queued")], "j1"],
  ["the next that waits, when that is over", [job("j1", "done"), job("j2", "queued"), job("j3", "queued")], "j2"],
  ["the last shown, when all are over", [job("j1", "done"), job("j2", "done"), job("j3", "cancelled")], "last"],
  ["what waits, while somebody else's runs", [job("x9", "running"), job("j2", "queued")], "j2"],
  ["the one that was begun first, of two that run", [job("j2", "running", { started: 5 }), RUNS], "j1"],
])("shown is %s", (_, list, expected) => {
  expect(toFollow(["j1", "j2", "j3"], "last", stateOf(...list))).toBe(expected);
});

test.each<[string, Job[], Run, boolean, string | null]>([
  ["what runs, not what waits", [RUNS, job("j2", "queued")], shown("j1", "running"), false, "j1"],
  ["what runs, though another is shown still", [RUNS, job("j2", "queued")], shown("j2", "queued"), false, "j1"],
  ["the first that waits, where none runs", [job("j2", "queued"), job("j3", "queued")], shown("j2", "queued"), false, "j2"],
  ["nothing, while what runs is being cancelled",
    [{ ...RUNS, cancel_requested: true }, job("j2", "queued")], shown("j1", "running", true), false, null],
  ["nothing of somebody else's", [job("x9", "running")], NO_RUN, false, null],
  ["the one that was chosen in the queue", [RUNS, job("x9", "running")], shown("x9", "running"), true, "x9"],
  ["what a reload shows again", [], shown("j1", "running"), false, "j1"],
  ["nothing that is over", [job("j1", "done")], shown("j1", "done"), false, null],
])("cancelled is %s", (_, list, run, chosen, expected) => {
  expect(toCancel(["j1", "j2", "j3"], run, chosen, stateOf(...list))).toBe(expected);
});

test("what a document has queued is forgotten when it is over, and not before it is known", () => {
  queued.setState({ byDocument: {} });
  noteQueued("a", "j1");
  noteQueued("a", "j2");
  noteQueued("b", "j3");

  settleQueued({ jobs: {}, order: [], loaded: false });
  expect(queued.getState().byDocument).toEqual({ a: ["j1", "j2"], b: ["j3"] });
  settleQueued(stateOf(job("j1", "done"), job("j2", "queued"), job("j3", "failed")));

  expect(queued.getState().byDocument).toEqual({ a: ["j2"] });
  expect(JSON.parse(sessionStorage.getItem("nodegraph.queued") ?? "")).toEqual({ a: ["j2"] });
});
