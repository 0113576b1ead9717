import { afterEach, expect, test, vi } from "vitest";

import { run } from "./startRun";
import * as api from "./api";
import { runOptions } from "./runOptions";

afterEach(() => {
  runOptions.setState({ onOom: null });
  vi.unstubAllGlobals();
});

/** What the server is sent, by path. */
function sent(): Record<string, unknown> {
  const bodies: Record<string, unknown> = {};
  vi.stubGlobal("fetch", (path: string, { body }: RequestInit = {}) => {
    if (typeof body === "string") bodies[path] = JSON.parse(body);
    const answer = { id: "j", lines: [], events: [], next: null };
    return Promise.resolve(new Response(JSON.stringify(answer)));
  });
  return bodies;
}

test("what is asked for where memory does not suffice goes with every run and its explanation", async () => {
  const bodies = sent();
  runOptions.setState({ onOom: "fail" });

  await run({ workflow: {}, title: "" });

  expect(bodies["/v1/jobs"]).toEqual({ workflow: {}, title: "", on_oom: "fail" });
  expect(bodies["/v1/explain"]).toEqual({ workflow: {}, on_oom: "fail" });
  expect(localStorage.getItem("nodegraph.on-oom")).toBe("fail");
});

test("without a choice it is left to the server", async () => {
  const bodies = sent();

  await run({ workflow: {}, title: "" });
  await api.explain({});

  expect(bodies["/v1/jobs"]).toEqual({ workflow: {}, title: "" });
  expect(bodies["/v1/explain"]).toEqual({ workflow: {} });
});
