import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";

import type { Job } from "../../server";
import { jobs } from "../../server/jobs";
import { type Host, HostProvider } from "../host";
import { describe as describeJob } from "./describe";
import { moved, predecessor } from "./order";
import { QueuePanel } from "./QueuePanel";

function job(id: string, more: Partial<Job> = {}): Job {
  return {
    id,
    seq: 1,
    title: `Job ${id}`,
    state: "queued",
    priority: 0,
    attempts: 0,
    created: 1000,
    started: null,
    finished: null,
    error: null,
    results: [],
    counts: {},
    done: 0,
    total: 0,
    only: null,
    cancel_requested: false,
    on_oom: null,
    degraded: [],
    trial: false,
    ...more,
  };
}

const host = { open: vi.fn(), say: vi.fn() };

/** What the page asks of the server, answered at once. */
function answering(answers: Record<string, unknown>) {
  const asked: [string, unknown][] = [];
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    asked.push([`${request.method} ${path}`, request.body ? JSON.parse(String(request.body)) : null]);
    const answer = answers[`${request.method} ${path.split("?")[0]}`];
    return Promise.resolve(new Response(JSON.stringify(answer ?? { jobs: [], next: null })));
  });
  return asked;
}

function show(...list: Job[]) {
  const queued = list.filter(({ state }) => state === "queued");
  jobs.setState({
    jobs: Object.fromEntries(list.map((one) => [one.id, one])),
    order: queued.map(({ id }) => id),
    next: null,
    loaded: true,
  });
  render(
    <HostProvider value={host as unknown as Host}>
      <QueuePanel />
    </HostProvider>,
  );
}

const rows = (list: string) =>
  within(screen.getByRole("list", { name: list }))
    .getAllByRole("listitem")
    .map((row) => row.querySelector(".job-name")?.textContent);

beforeEach(() => {
  host.open.mockReset();
  host.say.mockReset();
});

describe("the queue", () => {
  test("shows what runs, what waits in its order, and what is over", () => {
    show(job("b"), job("a"), job("c", { state: "running" }), job("d", { state: "done" }));

    expect(rows("Running")).toEqual(["Job c"]);
    expect(rows("Waiting")).toEqual(["Job b", "Job a"]);
    expect(rows("Done")).toEqual(["Job d"]);
  });

  test("says that nothing was run only once the server has told so", () => {
    jobs.setState({ jobs: {}, order: [], next: null, loaded: false });
    render(
      <HostProvider value={host as unknown as Host}>
        <QueuePanel />
      </HostProvider>,
    );
    expect(screen.queryByText(/Nothing has been run/)).toBeNull();

    act(() => jobs.setState({ loaded: true }));

    expect(screen.getByText(/Nothing has been run/)).toBeTruthy();
  });

  test("shows how many there are at least, where older ones were not read", () => {
    show(job("a", { state: "done" }), job("b", { state: "done" }));
    expect(screen.getByText("2", { selector: ".count" })).toBeTruthy();

    act(() => jobs.setState({ next: 1 }));

    expect(screen.getByText("2+", { selector: ".count" })).toBeTruthy();
  });

  test("moves a job with the arrow keys, at once and on the server", async () => {
    const asked = answering({ "PATCH /v1/jobs/c": job("c") });
    show(job("a"), job("b"), job("c"));

    fireEvent.keyDown(screen.getByRole("button", { name: /^Move Job c/ }), { key: "ArrowUp" });

    expect(rows("Waiting")).toEqual(["Job a", "Job c", "Job b"]);
    await waitFor(() => expect(asked).toContainEqual(["PATCH /v1/jobs/c", { after: "a" }]));
  });

  test("asks for one move after the other, however fast the key is pressed", async () => {
    const asked: string[] = [];
    const open: (() => void)[] = [];
    vi.stubGlobal("fetch", (_: string, request: RequestInit) => {
      if (request.method !== "PATCH") return Promise.resolve(new Response('{"jobs":[],"next":null}'));
      asked.push(String(request.body));
      return new Promise((resolve) => open.push(() => resolve(new Response("{}"))));
    });
    show(job("a"), job("b"), job("c"));
    const handle = screen.getByRole("button", { name: /^Move Job c/ });

    fireEvent.keyDown(handle, { key: "ArrowUp" });
    fireEvent.keyDown(screen.getByRole("button", { name: /^Move Job c/ }), { key: "ArrowUp" });

    expect(rows("Waiting")).toEqual(["Job c", "Job a", "Job b"]);
    await waitFor(() => expect(asked).toEqual(['{"after":"a"}']));
    open.shift()?.();
    await waitFor(() => expect(asked).toEqual(['{"after":"a"}', '{"after":null}']));
    open.shift()?.();
  });

  test("puts a job first with null", async () => {
    const asked = answering({});
    show(job("a"), job("b"));

    fireEvent.keyDown(screen.getByRole("button", { name: /^Move Job b/ }), { key: "ArrowUp" });

    await waitFor(() => expect(asked).toContainEqual(["PATCH /v1/jobs/b", { after: null }]));
  });

  test("cancels one and leaves the others", async () => {
    answering({ "POST /v1/jobs/a/cancel": job("a", { state: "cancelled" }) });
    show(job("a"), job("b"));

    await userEvent.click(screen.getByRole("button", { name: "Cancel Job a" }));

    expect(rows("Waiting")).toEqual(["Job b"]);
    expect(rows("Done")).toEqual(["Job a"]);
  });

  test("opens the graph of a job", async () => {
    answering({ "GET /v1/jobs/a/workflow": { workflow: { nodes: {} } } });
    show(job("a", { state: "done" }));

    await userEvent.click(screen.getByRole("button", { name: "Open the graph of Job a" }));

    expect(host.open).toHaveBeenCalledWith(
      { nodes: {} },
      { kind: "job", job: "a", title: "Job a" },
    );
  });

  test("says why a job failed", () => {
    const error = { problems: [{ address: "photo.path", message: "there is no such file" }] };
    show(job("a", { state: "failed", error }));

    expect(screen.getByText("photo.path: there is no such file")).toBeTruthy();
  });
});

test.each([
  ["to the front", "c", 0, null, ["c", "a", "b"]],
  ["one up", "c", 1, "a", ["a", "c", "b"]],
  ["one down", "a", 1, "b", ["b", "a", "c"]],
  ["past the end", "a", 9, "c", ["b", "c", "a"]],
])("moving %s", (_, id, to, after, order) => {
  expect(predecessor(["a", "b", "c"], id, to)).toBe(after);
  expect(moved(["a", "b", "c"], id, to)).toEqual(order);
});

test("a done job tells how long it took and what it did not have to do", () => {
  const done = job("a", { state: "done", started: 10, finished: 14, counts: { ran: 1, cached: 3 } });

  expect(describeJob(done, 20)).toMatch(/ · 4\.0 s · 1 ran, 3 cached$/);
  const counts = { ran: 2, cached: 3, resumed: 1 };
  expect(describeJob({ ...done, counts }, 20)).toMatch(/ · 2 ran \(1 resumed\), 3 cached$/);
});

test("a job for which memory was short tells how it was done all the same", () => {
  const done = job("a", { state: "done", finished: 14, degraded: ["batch 2", "tiled"] });

  expect(describeJob(done, 20)).toMatch(/ · short of memory: batch 2, tiled$/);
});
