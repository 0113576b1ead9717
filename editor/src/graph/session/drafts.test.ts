import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { KINDS, PORTRAITS } from "../../testing/kinds";
import { addNode, removeNodes, setTitle } from "../edits";
import * as store from "../index";
import type { Keep } from "./browserStorage";
import type { OpenDocument } from "./openDocument";

beforeEach(() => {
  localStorage.clear();
  store.editor.setState({ documents: [], active: "", closed: [] });
});

/** An unsaved and a saved document, kept under a tab. */
function kept(tab: string, storage: Keep = localStorage): readonly OpenDocument[] {
  store.editor.setState({ documents: [], active: "" });
  store.open(PORTRAITS, { saved: PORTRAITS, name: "canny-portraits", version: "1", shipped: true });
  store.open(PORTRAITS, { saved: PORTRAITS, name: "mine", version: "2" });
  store.edit("title", (one) => setTitle(one, `of ${tab}`));
  const { documents, active } = store.editor.getState();
  for (const document of documents) store.keepDocument(storage, tab, document);
  store.keepOrder(storage, tab, { active, ids: documents.map(({ id }) => id) });
  return documents;
}

const titles = (tab: string) => store.readDraft(localStorage, tab).documents.map(store.titleOf);

describe("a draft", () => {
  it("comes back as it was, in its order, still unsaved", () => {
    const documents = kept("one");

    const back = store.readDraft(localStorage, "one");

    expect(back.documents.map(({ id }) => id)).toEqual(documents.map(({ id }) => id));
    expect(back.documents[1]?.history.present.title).toBe("of one");
    expect(back.documents[1]?.saved).toEqual(PORTRAITS);
    expect(back.documents.map(({ name, version, shipped }) => [name, version, shipped])).toEqual([
      ["canny-portraits", "1", true],
      ["mine", "2", false],
    ]);
    expect(back.documents.map(store.isDirty)).toEqual([false, true]);
    expect(back.active).toBe(store.editor.getState().active);
  });

  it("is kept for each browser tab", () => {
    const [first] = kept("one");
    kept("two");
    store.forgetDocument(localStorage, "one", first?.id ?? "");

    expect(store.draftedTabs(localStorage).sort()).toEqual(["one", "two"]);
    expect(titles("one")).toEqual(["of one"]);
    expect(titles("two")).toHaveLength(2);
  });

  it("of an empty workflow is one too", () => {
    store.openEmpty();
    const [document] = store.editor.getState().documents;
    if (!document) throw new Error("none is open");
    store.keepDocument(localStorage, "one", document);

    expect(store.readDraft(localStorage, "one").documents).toEqual([document]);
  });

  it("comes back whatever was drawn, down to the last node taken out", () => {
    const types = fc.constantFrom(...Object.keys(KINDS));
    fc.assert(
      fc.property(fc.array(types, { maxLength: 4 }), fc.nat(4), fc.string(), (added, left, title) => {
        const full = added.reduce((workflow, type) => addNode(workflow, type, [0, 0])[0], setTitle(store.EMPTY, title));
        const workflow = removeNodes(full, new Set(Object.keys(full.nodes).slice(left)));
        const id = store.open(workflow);
        const document = store.find(store.editor.getState(), id);
        if (!document) throw new Error("it is not open");
        store.keepDocument(localStorage, "one", document);
        const back = store.readDraft(localStorage, "one").documents.find((other) => other.id === id);
        store.forgetDocument(localStorage, "one", id);
        expect(back?.history.present).toEqual(workflow);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a document that cannot be read", () => {
  const BAD = {
    "no JSON": ["{", "Untitled"],
    "no document": ["3", "Untitled"],
    "of a newer page": [JSON.stringify({ form: 3, name: "later", present: { format: 1 } }), "later"],
    "a newer workflow": [JSON.stringify({ form: 2, present: { format: 2, title: "Later", nodes: [] } }), "Later"],
    "a newer node": [JSON.stringify({ form: 2, present: { format: 1, nodes: { a: { type: "A", note: 1 } } } }), "Untitled"],
    "put aside": [JSON.stringify({ form: 2, present: { format: 1, title: "T" }, aside: "it hangs" }), "T"],
  } as const;

  it.each(Object.entries(BAD))("(%s) takes no other with it, is kept, and can be downloaded", (_, [text, title]) => {
    kept("one");
    localStorage.setItem("nodegraph.drafts.one.odd", text);

    const { documents, aside } = store.readDraft(localStorage, "one");

    expect(documents).toHaveLength(2);
    expect(aside).toMatchObject([{ tab: "one", id: "odd", title }]);
    expect(aside[0]?.reason).toMatch(/\w+ \w+/);
    expect(aside[0]?.reason).not.toMatch(/JSON at position/);
    const present = text.startsWith("{\"") ? (JSON.parse(text) as { present: unknown }).present : undefined;
    expect(aside[0]?.text).toBe(present ? `${JSON.stringify(present, null, 2)}\n` : text);
    store.sweep(localStorage, ["one"]);
    store.takeOver(localStorage, "two", ["one"]);
    expect(localStorage.getItem("nodegraph.drafts.one.odd")).toBe(text);
  });

  it("as it was saved, counts as never saved", () => {
    const present = { format: 1, title: "mine" };
    const entry = { form: 2, name: "mine", version: "1", saved: { format: 9 }, present };
    localStorage.setItem("nodegraph.drafts.one.odd", JSON.stringify(entry));

    const [document] = store.readDraft(localStorage, "one").documents;

    expect(document?.saved).toBeNull();
    expect(document && store.isDirty(document)).toBe(true);
  });

  it("can be put aside on purpose, and then stays what it is", () => {
    const [first] = kept("one");
    const id = first?.id ?? "";

    expect(store.putAside(localStorage, "one", id, "it cannot be drawn")).toBe(true);

    expect(store.isAside(localStorage, "one", id)).toBe(true);
    const { documents, aside } = store.readDraft(localStorage, "one");
    expect(documents).toHaveLength(1);
    expect(aside).toMatchObject([{ id, reason: "it cannot be drawn" }]);
    expect(store.readWorkflow(aside[0]?.text)).toEqual(PORTRAITS);
  });
});

describe("what a closed tab left", () => {
  it("is taken over where it is unsaved, and goes where it is not", () => {
    kept("one");
    kept("two");

    store.takeOver(localStorage, "mine", ["one", "two"]);

    expect(titles("mine")).toEqual(["of one", "of two"]);
    expect(store.draftedTabs(localStorage)).toEqual(["mine"]);
  });

  it("does not pile up, and no unsaved work goes by itself", () => {
    for (const tab of ["a", "b", "c"]) {
      kept(tab);
      store.sweep(localStorage, [tab]);
    }

    expect(["a", "b", "c"].flatMap(titles)).toEqual(["of a", "of b", "of c"]);
    expect(localStorage.length).toBe(6);
  });

  it("never takes the place of what is open", () => {
    const documents = kept("one");
    for (const document of documents) store.keepDocument(localStorage, "two", document);

    store.takeOver(localStorage, "two", ["one"]);

    expect(titles("two").sort()).toEqual([PORTRAITS.title, "of one"]);
    expect(titles("one")).toEqual(["of one"]);
  });
});

/** A storage with room for so many letters. */
function small(room: number): Keep {
  const texts = new Map<string, string>();
  const size = () => [...texts].reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  return {
    get length() {
      return texts.size;
    },
    key: (index) => [...texts.keys()][index] ?? null,
    getItem: (key) => texts.get(key) ?? null,
    removeItem: (key) => void texts.delete(key),
    setItem: (key, text) => {
      const before = texts.get(key);
      texts.set(key, text);
      if (size() <= room) return;
      if (before === undefined) texts.delete(key);
      else texts.set(key, before);
      throw new DOMException("full", "QuotaExceededError");
    },
  };
}

describe("where there is no room", () => {
  it("a document is reported, and what is kept of it and of others stays", () => {
    kept("one");
    const [saved, dirty] = store.editor.getState().documents;
    if (!saved || !dirty) throw new Error("they are not open");
    const storage = small(JSON.stringify(store.toDocument(PORTRAITS)).length + 500);

    expect(store.keepDocument(storage, "one", saved)).toBe(true);
    expect(store.keepDocument(storage, "one", dirty)).toBe(false);

    expect(store.readDraft(storage, "one").documents).toMatchObject([{ id: saved.id }]);
  });

  it("what a closed tab left is taken over all the same", () => {
    const storage = small(3 * JSON.stringify(store.toDocument(PORTRAITS)).length + 900);
    kept("one", storage);

    store.takeOver(storage, "two", ["one"]);

    expect(store.readDraft(storage, "two").documents.map(store.titleOf)).toEqual(["of one"]);
  });

  it("nothing an earlier version kept is touched", () => {
    const text = JSON.stringify({ active: "a", documents: [{ id: "a", present: store.toDocument(PORTRAITS) }] });
    const storage = small(text.length + 100);
    storage.setItem("nodegraph.draft.one", text);

    store.rewriteEarlier(storage, "one");

    expect(storage.getItem("nodegraph.draft.one")).toBe(text);
  });
});

describe("what an earlier version kept", () => {
  const EARLIER = {
    active: "b",
    documents: [
      { id: "a", name: null, version: null, shipped: false, job: null, saved: null, present: { format: 1 } },
      { id: "b", name: "mine", version: "1", shipped: false, job: null, saved: { format: 1, nodes: {} }, present: { format: 1, title: "B" } },
      { id: "c", name: "odd", version: "1", shipped: false, job: null, saved: null, present: { format: 7 } },
    ],
  };

  it("comes back, each document by itself", () => {
    localStorage.setItem("nodegraph.draft.one", JSON.stringify(EARLIER));

    expect(store.earlierTabs(localStorage)).toEqual(["one"]);
    store.rewriteEarlier(localStorage, "one");

    const { documents, active, aside } = store.readDraft(localStorage, "one");
    expect(documents.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(documents.map(store.isDirty)).toEqual([false, true]);
    expect(active).toBe("b");
    expect(aside).toMatchObject([{ id: "c", title: "odd" }]);
    expect(localStorage.getItem("nodegraph.draft.one")).toBeNull();
  });

  it("and cannot be read is put aside as it is", () => {
    localStorage.setItem("nodegraph.draft.one", "{half");

    store.rewriteEarlier(localStorage, "one");

    expect(store.readDraft(localStorage, "one").aside).toMatchObject([{ text: "{half" }]);
  });
});
