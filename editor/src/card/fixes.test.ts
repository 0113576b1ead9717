import { beforeEach, expect, test } from "vitest";

import { editor, open, present, readWorkflow, undoLast } from "../graph";
import { applyFix } from "./fixes";

const size = { inputs: { width: 512, "photo.path": "b.png" }, label: "Use 512" };

beforeEach(() => {
  editor.setState({ documents: [], active: "", kinds: {} });
  open(readWorkflow({ nodes: { sample: { type: "Sample" }, photo: { type: "LoadImage" } } }));
});

test("a change is made at the node that is drawn, as one step", () => {
  applyFix("sample/denoise.width", size);

  expect(present().nodes["sample"]?.values).toEqual({ width: 512 });
  expect(present().nodes["photo"]?.values).toEqual({ path: "b.png" });
  undoLast();
  expect(present().nodes["sample"]?.values).toEqual({});
});
