import { beforeEach, expect, test } from "vitest";

import { PORTRAITS } from "../../testing/kinds";
import { setTitle } from "../edits";
import * as store from "../index";

const titles = () => store.editor.getState().documents.map(store.titleOf);

beforeEach(() => store.editor.setState({ documents: [], active: "", closed: [] }));

test("a closed document is opened again with its changes and their undo", () => {
  const id = store.open(PORTRAITS);
  store.edit("title", (one) => setTitle(one, "mine"));
  store.close(id);
  expect(titles()).toEqual(["Untitled"]);

  store.reopen();

  expect(titles()).toEqual(["mine"]);
  store.undoLast();
  expect(store.present()).toBe(PORTRAITS);
  expect(store.editor.getState().closed).toEqual([]);
});

test("an empty document that nobody touched is not worth that", () => {
  store.close(store.openEmpty());

  expect(store.editor.getState().closed).toEqual([]);
  expect(titles()).toEqual(["Untitled"]);
});

test("a document with nothing but a frame in it has unsaved changes", () => {
  store.openEmpty();
  store.edit("frame", (one) => store.addFrame(one, "Group", [0, 0], [9, 9]));

  expect(store.editor.getState().documents.map(store.isDirty)).toEqual([true]);
});

test("what is typed and taken back in one go is no step", () => {
  store.open(PORTRAITS);
  store.edit("title", (one) => setTitle(one, "m"), "typing 1", Infinity);
  store.edit("title", (one) => setTitle(one, PORTRAITS.title), "typing 1", Infinity);

  expect(store.shown()?.history.past).toEqual([]);
});
