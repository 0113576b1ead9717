import { expect, test } from "vitest";

import { NO_RUN, type Run } from "../server/runs/run";
import { tabTitle } from "./tabTitle";

test("the tab says nothing of a run that is no longer about what is drawn", () => {
  expect(tabTitle("Portraits", { ...NO_RUN, state: "done" }, true)).toBe("Portraits");
  expect(tabTitle("Portraits", { ...NO_RUN, state: "failed" }, true)).toBe("Portraits");
});

test.each<[Partial<Run>, string]>([
  [{}, "Portraits"],
  [{ state: "queued" }, "… Portraits"],
  [{ state: "running", done: 7, total: 20 }, "35% Portraits"],
  [{ state: "running", done: 7, total: 20, underWay: 2.5 }, "47% Portraits"],
  [{ state: "done", done: 20, total: 20 }, "✓ Portraits"],
  [{ state: "failed" }, "✗ Portraits"],
])("the tab tells how far the run is: %o", (run, title) => {
  expect(tabTitle("Portraits", { ...NO_RUN, ...run })).toBe(title);
});
