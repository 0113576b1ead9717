import { describe, expect, it } from "vitest";

import { PORTRAITS } from "../../testing/kinds";
import { draftedTabs, dropDraft, keepDraft, readDraft } from "./drafts";
import { setTitle } from "../edits";
import * as store from "../index";

const draft = () => {
  store.editor.setState({ documents: [], active: "" });
  store.open(PORTRAITS, { saved: PORTRAITS, name: "canny-portraits", version: "1", shipped: true });
  store.edit("title", (one) => setTitle(one, "mine"));
  return store.editor.getState();
};

describe("a draft", () => {
  it("comes back as it was, still unsaved", () => {
    keepDraft(localStorage, "one", draft());

    const back = readDraft(localStorage, "one");

    expect(back?.documents[0]?.history.present.title).toBe("mine");
    expect(back?.documents[0]?.saved).toEqual(PORTRAITS);
    expect(back?.documents.map(store.isDirty)).toEqual([true]);
    expect(back?.active).toBe(store.editor.getState().active);
  });

  it("is kept for each browser tab", () => {
    keepDraft(localStorage, "one", draft());
    keepDraft(localStorage, "two", draft());
    dropDraft(localStorage, "one");

    expect(draftedTabs(localStorage)).toEqual(["two"]);
    expect(readDraft(localStorage, "one")).toBeNull();
  });

  it("that cannot be read is none", () => {
    localStorage.setItem("nodegraph.draft.odd", '{"documents": [{"present": 3}]}');

    expect(readDraft(localStorage, "odd")).toBeNull();
  });

  it("for which there is no room is reported", () => {
    const full = { ...localStorage, setItem: () => { throw new DOMException("QuotaExceededError"); } };

    expect(keepDraft(full, "one", draft())).toBe(false);
  });
});
