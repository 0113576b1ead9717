import { describe, expect, test } from "vitest";

import { NO_RUN, type Run } from "../server/runs/run";
import { stateOf, verdictOf } from "./StatusBar";

const problem = { address: "a", message: "is wrong" };

describe("the verdict", () => {
  test.each([
    ["claims nothing before it was looked at", [], [], false, true, 0, "Checking …", ""],
    ["is good where nothing is wrong", [], [], false, false, 0, "No problems", "good"],
    ["says that nobody answered", [], [], true, true, 0, "Not checked: no answer", "warn"],
    ["never stands good beside a run that failed", [], [], false, false, 2, "2 failures in the run", "bad"],
    ["counts what is wrong", [problem], [problem, problem], false, false, 0, "1 problem, 2 warnings", "bad"],
    ["warns", [], [problem], false, false, 0, "1 warning", "warn"],
  ] as const)("%s", (_, problems, warnings, unanswered, pending, failures, text, tone) => {
    expect(verdictOf({ problems, warnings, unanswered }, pending, failures)).toEqual({ text, tone });
  });
});

describe("the state of the run", () => {
  const run = (more: Partial<Run>) => ({ ...NO_RUN, ...more });

  test.each<[Partial<Run>, boolean, boolean, string]>([
    [{}, false, true, ""],
    [{ state: "queued" }, false, true, "Waiting for its turn"],
    [{ state: "running" }, false, true, "Running"],
    [{ state: "running", done: 12, total: 20 }, true, true, "Running: 12 of 20 items"],
    [{ state: "running", done: 12, total: 20 }, false, false, "Running: 12 of 20 items, as last heard"],
    [{ state: "running", cancelling: true }, false, true, "Being cancelled"],
    [{ state: "done" }, false, true, "Done"],
    [{ state: "done" }, true, true, "Done, changed since"],
    [{ state: "failed" }, true, true, "Failed, changed since"],
    [{ state: "cancelled" }, false, true, "Cancelled"],
  ])("%j, changed %s, heard %s: %s", (more, changed, heard, text) => {
    expect(stateOf(run(more), changed, heard)).toBe(text);
  });
});
