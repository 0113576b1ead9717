import { afterEach, expect, test, vi } from "vitest";

import { editor, open, activate, readWorkflow } from "../graph";
import { connection } from "../server";
import { checks, watchChecks } from "./checks";

const nodes = (type: string) => readWorkflow({ nodes: { a: { type } } });

const problem = { address: "a", message: "is wrong" };

/** A server that finds something wrong with all that it is asked about, while it answers. */
function answering() {
  const server = { away: false };
  vi.stubGlobal("fetch", () =>
    server.away
      ? Promise.reject(new TypeError("away"))
      : Promise.resolve(Response.json({ ok: false, problems: [problem], warnings: [], ends: {} })),
  );
  return server;
}

let stop = () => {};

afterEach(() => {
  stop();
  vi.unstubAllGlobals();
  checks.setState({ about: null, unanswered: false, problems: [], explained: null });
});

test("what was wrong with another document is not shown at this one, not even for a moment", async () => {
  answering();
  editor.setState({ documents: [], active: "", kinds: {} });
  const first = open(nodes("Canny"));
  stop = watchChecks();
  await vi.waitFor(() => expect(checks.getState().problems).toEqual([problem]));

  open(nodes("Blur"));
  const meanwhile = checks.getState();
  activate(first);

  expect(meanwhile).toMatchObject({ about: null, problems: [] });
  await vi.waitFor(() => expect(checks.getState().problems).toEqual([problem]));
});

test("what could not be checked is said not to be, and is checked when the server is back", async () => {
  const server = answering();
  server.away = true;
  editor.setState({ documents: [], active: "", kinds: {} });
  open(nodes("Canny"));
  stop = watchChecks();
  await vi.waitFor(() => expect(checks.getState().unanswered).toBe(true));
  server.away = false;

  connection.setState({ now: { state: "open" } });

  await vi.waitFor(() => expect(checks.getState()).toMatchObject({ unanswered: false, problems: [problem] }));
});
