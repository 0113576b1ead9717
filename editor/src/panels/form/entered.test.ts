import { beforeEach, expect, test } from "vitest";

import { keepEntered, readEntered, sweepEntered } from "./entered";

beforeEach(() => localStorage.clear());

test("two documents of one name keep what was entered in each, and the last is offered when it is opened again", () => {
  keepEntered({ id: "a", name: "mine" }, { steps: 1 });
  keepEntered({ id: "b", name: "mine" }, { steps: 2 });

  expect(readEntered({ id: "a", name: "mine" })).toEqual({ steps: 1 });
  expect(readEntered({ id: "b", name: "mine" })).toEqual({ steps: 2 });
  expect(readEntered({ id: "c", name: "mine" })).toEqual({ steps: 2 });
});

test("what was entered for documents that are open no more does not pile up", () => {
  keepEntered({ id: "a", name: null }, { steps: 1 });
  keepEntered({ id: "b", name: "mine" }, { steps: 2 });

  sweepEntered(new Set(["a"]));

  expect(readEntered({ id: "a", name: null })).toEqual({ steps: 1 });
  expect(readEntered({ id: "b", name: "mine" })).toEqual({ steps: 2 });
  expect(localStorage.length).toBe(2);
});

test("what cannot be read is as good as not there", () => {
  localStorage.setItem("nodegraph.form.mine", "{half");

  expect(readEntered({ id: "a", name: "mine" })).toEqual({});
});
