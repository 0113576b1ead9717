import { beforeEach, expect, test } from "vitest";

import { editor, open, present, readWorkflow, undoLast } from "../graph";
import { applyFix, fixOf } from "./fixes";

const size = { inputs: { width: 512, "photo.path": "b.png" }, label: "Use 512" };

beforeEach(() => {
  editor.setState({ documents: [], active: "", kinds: {} });
  open(readWorkflow({ nodes: { sample: { type: "Sample" }, photo: { type: "LoadImage" } } }));
});

test.each([
  [{ address: "a", message: "b" }, null],
  [{ address: "a", message: "b", fix: null }, null],
  [{ address: "a", message: "b", fix: { label: "Use 512" } }, null],
  [{ address: "a", message: "b", severity: "warning", fix: size }, size],
])("a change is offered where a warning has one: %j", (problem, fix) => {
  expect(fixOf(problem)).toEqual(fix);
});

test("a change is made at the node that is drawn, as one step", () => {
  applyFix("sample/denoise.width", size);

  expect(present().nodes["sample"]?.values).toEqual({ width: 512 });
  expect(present().nodes["photo"]?.values).toEqual({ path: "b.png" });
  undoLast();
  expect(present().nodes["sample"]?.values).toEqual({});
});
