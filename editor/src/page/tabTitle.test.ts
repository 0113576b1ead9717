import { expect, test } from "vitest";

import { NO_RUN, type Run } from "../server/runs/run";
import { tabTitle } from "./tabTitle";

test.each<[Partial<Run>, string]>([
  [{}, "Portraits"],
  [{ state: "queued" }, "… Portraits"],
  [{ state: "running", done: 7, total: 20 }, "35% Portraits"],
  [{ state: "done", done: 20, total: 20 }, "✓ Portraits"],
  [{ state: "failed" }, "✗ Portraits"],
])("the tab tells how far the run is: %o", (run, title) => {
  expect(tabTitle("Portraits", { ...NO_RUN, ...run })).toBe(title);
});
