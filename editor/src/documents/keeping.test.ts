/** Documents kept over reloads, crashes and closed tabs, with and without locks; jsdom has none. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import * as graph from "../graph";
import { PORTRAITS } from "../testing/kinds";
import { aside, dropAside, putShownAside } from "./aside";
import { keepDrafts, unkept } from "./autosave";
import { findDrafts, type Found } from "./restoring";
import { closedTabs, giveSigns } from "./signsOfLife";

let stops: (() => void)[];

beforeEach(() => {
  stops = [];
  localStorage.clear();
  sessionStorage.clear();
  aside.setState({ documents: [] });
  unkept.setState({ ids: [] });
  graph.editor.setState({ documents: [], active: "", closed: [] });
});

afterEach(() => {
  for (const stop of stops) stop();
});

/** A page is opened in the browser tab of which this is kept. */
async function opened(session: Record<string, string> = {}): Promise<Found & { close(left: boolean): Record<string, string> }> {
  sessionStorage.clear();
  for (const [key, text] of Object.entries(session)) sessionStorage.setItem(key, text);
  graph.editor.setState({ documents: [], active: "", closed: [] });
  const found = await findDrafts();
  graph.restore(found.draft.documents, found.draft.active);
  const stop = keepDrafts(found.tab);
  const end = () => {
    stop();
    found.leave();
  };
  stops.push(end);
  const close = (left: boolean) => {
    if (left) window.dispatchEvent(new Event("pagehide"));
    else window.dispatchEvent(new Event("visibilitychange"));
    end();
    return { ...sessionStorage };
  };
  return { ...found, close };
}

/** Draw something that nobody saved. */
function draw(title: string) {
  graph.open(PORTRAITS);
  graph.edit("title", (workflow) => graph.setTitle(workflow, title));
}

const titles = () => graph.editor.getState().documents.map(graph.titleOf);

const keptDrafts = () => Object.keys(localStorage).filter((key) => /^nodegraph\.drafts\.\w+\./.test(key));

describe("a page that is opened again in its tab", () => {
  test("has everything that was open, an empty workflow too", async () => {
    const page = await opened();
    draw("mine");
    graph.openEmpty();

    await opened(page.close(true));

    expect(titles()).toEqual(["mine", "Untitled"]);
  });

  test("after it was killed too", async () => {
    const page = await opened();
    draw("mine");
    await new Promise((over) => setTimeout(over, 400));

    await opened(page.close(false));

    expect(titles()).toEqual(["mine"]);
  });

  test("has a copy where it is a copy of a tab that is open, and neither takes from the other", async () => {
    const page = await opened();
    draw("mine");
    window.dispatchEvent(new Event("pagehide"));
    const { "nodegraph.tab": name = "" } = { ...sessionStorage } as Record<string, string>;
    window.dispatchEvent(new Event("pageshow"));

    const copy = await opened({ "nodegraph.tab": name });

    expect(copy.tab).not.toBe(page.tab);
    expect(titles()).toEqual(["mine"]);
    expect(graph.readDraft(localStorage, page.tab).documents).toHaveLength(1);
    expect(new Set(keptDrafts()).size).toBe(2);
  });
});

describe("a new tab", () => {
  test("has the unsaved work of one that was closed, and drafts do not pile up", async () => {
    for (const turn of [1, 2, 3]) {
      const page = await opened();
      expect(titles()).toEqual(turn === 1 ? [] : [`turn ${turn - 1}`]);
      if (turn === 1) draw("turn 1");
      else graph.edit("title", (workflow) => graph.setTitle(workflow, `turn ${turn}`));
      page.close(true);
    }

    expect(keptDrafts()).toHaveLength(1);
  });

  test("lets go of what closed tabs kept that is saved", async () => {
    const page = await opened();
    graph.open(PORTRAITS, { saved: PORTRAITS, name: "mine", version: "1" });
    page.close(true);
    expect(keptDrafts()).toHaveLength(1);

    await opened();

    expect(titles()).toEqual([]);
    expect(keptDrafts()).toEqual([]);
  });

  test("takes nothing from a tab that is open", async () => {
    const page = await opened();
    draw("theirs");
    window.dispatchEvent(new Event("pagehide"));

    await opened();

    expect(titles()).toEqual([]);
    expect(graph.readDraft(localStorage, page.tab).documents.map(graph.titleOf)).toEqual(["theirs"]);
  });

  test("speaks of what cannot be read, and keeps it until it is told otherwise", async () => {
    localStorage.setItem("nodegraph.drafts.closed.odd", '{"form": 9, "name": "later"}');

    await opened();
    const { documents } = aside.getState();

    expect(documents).toMatchObject([{ title: "later", reason: expect.stringContaining("newer version") as string }]);
    expect(localStorage.getItem("nodegraph.drafts.closed.odd")).not.toBeNull();
    if (documents[0]) dropAside(documents[0]);
    expect(localStorage.getItem("nodegraph.drafts.closed.odd")).toBeNull();
    expect(aside.getState().documents).toEqual([]);
  });

  test("opens what an earlier version of the page kept", async () => {
    const documents = [{ id: "a", name: null, version: null, shipped: false, job: null, saved: null, present: { format: 1, title: "old" } }];
    localStorage.setItem("nodegraph.draft.0123", JSON.stringify({ active: "a", documents }));

    await opened();

    expect(titles()).toEqual(["old"]);
    expect(localStorage.getItem("nodegraph.draft.0123")).toBeNull();
  });
});

test("what cannot be drawn is put aside, not deleted", async () => {
  const page = await opened();
  draw("mine");
  draw("odd");

  putShownAside();
  await opened(page.close(true));

  expect(titles()).toEqual(["mine"]);
  await vi.waitFor(() => expect(aside.getState().documents).toMatchObject([{ title: "odd" }]), 3000);
});

describe("where the browser has no room", () => {
  const full = () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
  };

  test("it is known which documents are not kept, until there is room again", async () => {
    const page = await opened();
    full();
    draw("mine");
    page.close(true);
    expect(unkept.getState().ids).toEqual(graph.editor.getState().documents.map(({ id }) => id));

    vi.restoreAllMocks();
    stops.push(keepDrafts(page.tab));

    expect(unkept.getState().ids).toEqual([]);
    expect(keptDrafts()).toHaveLength(1);
  });

  test("leaving the page asks first, and only then", async () => {
    await opened();
    draw("mine");
    const leaving = () => {
      const event = new Event("beforeunload", { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(leaving()).toBe(false);

    full();
    graph.edit("title", (workflow) => graph.setTitle(workflow, "more"));

    expect(leaving()).toBe(true);
  });
});

test("what somebody else removed is written again", async () => {
  const page = await opened();
  draw("mine");
  window.dispatchEvent(new Event("pagehide"));
  const [key = ""] = keptDrafts();
  localStorage.removeItem(key);

  window.dispatchEvent(new StorageEvent("storage", { key, newValue: null }));

  await vi.waitFor(() => expect(keptDrafts()).toEqual([key]), 2000);
  expect(key).toContain(page.tab);
});

test("a tab that gives signs of life is open, others are closed", async () => {
  const stop = giveSigns("here");

  expect(await closedTabs(["here", "gone"], 300)).toEqual(["gone"]);
  stop();
  expect(await closedTabs(["here"], 300)).toEqual(["here"]);
});

test("a tab that is being reloaded is not taken for closed", async () => {
  const asking = closedTabs(["back"], 1000);
  await new Promise((over) => setTimeout(over, 200));
  const stop = giveSigns("back");

  expect(await asking).toEqual([]);
  stop();
});
