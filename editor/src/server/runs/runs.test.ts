import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Preview } from "../socket/previews";
import { follow, followAgain, hearPreview, hearRunEvent, runs, unfollow } from "./runs";
import type { ServerEvent } from "../types";

function event(seq: number, kind: string, data: object = {}, job = "j"): ServerEvent {
  return { type: "event", seq, job, time: 0, kind, data } as ServerEvent;
}

function preview(node: string, items: number[] = []): Preview {
  const header = { job: "j", node, items, done: 1, total: 2, width: 8, height: 8 };
  return { header, jpeg: new Uint8Array([0xff, 0xd8]) };
}

/** What the server has of the job itself. */
let record = new Response("{}");

/** The server's answers about a job's past, given when the test says so. */
function past(...events: ServerEvent[]): () => void {
  let answer: () => void = () => undefined;
  const answered = new Promise<Response>((resolve) => {
    answer = () => resolve(new Response(JSON.stringify({ events, next: null })));
  });
  vi.stubGlobal("fetch", (path: string) =>
    path.includes("/events") ? answered.then((whole) => whole.clone()) : answered.then(() => record),
  );
  return answer;
}

beforeEach(() => {
  record = Response.json({ id: "j", state: "running", done: 0, total: 0, error: null });
});

afterEach(() => {
  unfollow();
  vi.unstubAllGlobals();
});

describe("following a job", () => {
  test("tells its past and what happened meanwhile, each event once, in order", async () => {
    const answer = past(
      event(1, "job.started", { device: "cpu", attempt: 1 }),
      event(2, "node.cached", { node: "a", items: [] }),
    );
    const following = follow("j");
    hearRunEvent(event(2, "node.cached", { node: "a", items: [] }));
    hearRunEvent(event(3, "node.cached", { node: "b", items: [] }));

    answer();
    await following;

    const { run } = runs.getState();
    expect(run.nodes["a"]?.ended).toBe(1);
    expect(run.nodes["b"]?.ended).toBe(1);
  });

  test("hears nothing of other jobs", async () => {
    past()();
    await follow("j");

    hearRunEvent(event(4, "node.cached", { node: "a", items: [] }, "k"));

    expect(runs.getState().run.nodes).toEqual({});
  });

  test("is over when another one is followed before the past was told", async () => {
    const answer = past(event(1, "node.cached", { node: "old", items: [] }));
    const first = follow("i");
    const second = follow("j");
    answer();
    await Promise.all([first, second]);

    expect(runs.getState().run.job).toBe("j");
  });
});

describe("a job of which nothing can be told", () => {
  test("because it was deleted is not shown at all, and claims nothing", async () => {
    record = Response.json({ error: { code: "not_found", message: "none" } }, { status: 404 });
    past()();

    await follow("j");

    expect(runs.getState().run).toMatchObject({ job: null, state: null });
  });

  test("while the server is away has no state, and is read when it is back", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("away")));
    await follow("j");
    const away = runs.getState().run.state;
    past(event(1, "job.started", { device: "cpu", attempt: 1 }))();

    followAgain();

    await vi.waitFor(() => expect(runs.getState().run.state).toBe("running"));
    expect(away).toBeNull();
  });

  test("any more, as it is deleted while it is shown, is shown no longer", async () => {
    past(event(1, "job.cancelled"))();
    await follow("j");

    hearRunEvent(event(5, "job.deleted", { id: "j" }, null as never));

    expect(runs.getState().run.job).toBeNull();
  });
});

describe("a preview", () => {
  test("gives its bytes back to the browser when the next one comes, and when the run is over", async () => {
    let number = 0;
    vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${++number}`);
    const revoke = vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => undefined);
    past()();
    await follow("j");

    hearPreview(preview("sample/denoise", [0]));
    hearPreview(preview("sample/denoise", [1]));
    hearPreview(preview("sample/denoise", [0]));
    expect(runs.getState().previews).toEqual({ sample: { 0: "blob:3", 1: "blob:2" } });
    hearRunEvent(event(9, "job.cancelled"));

    expect(runs.getState().previews).toEqual({});
    expect(revoke.mock.calls.flat().sort()).toEqual(["blob:1", "blob:2", "blob:3"]);
  });
});
