import { beforeEach, describe, expect, it } from "vitest";

import { KINDS, PORTRAITS, TWO_CONTROLS } from "../testing/kinds";
import { addFrame, editor, moved, open, setValue, withFolded } from "../graph";
import { nodesOf } from "./nodes";
import { edgesOf } from "./edges";

const NOBODY: ReadonlySet<string> = new Set();

describe("what is drawn", () => {
  beforeEach(() => {
    editor.setState({ documents: [], active: "", kinds: KINDS });
    open(PORTRAITS);
  });

  it("stays the same objects where the document did not change there", () => {
    const before = nodesOf(PORTRAITS, NOBODY, []);
    const after = nodesOf(moved(PORTRAITS, { photo: [5, 6] }), new Set(["edges"]), before);

    const changed = after.filter((node, index) => node !== before[index]).map((node) => node.id);
    expect(changed).toEqual(["photo", "edges"]);
  });

  it("does not change with a value", () => {
    const before = nodesOf(PORTRAITS, NOBODY, []);
    const wires = edgesOf(PORTRAITS, KINDS, []);
    const changed = setValue(PORTRAITS, "sample", "seed", 99);

    expect(nodesOf(changed, NOBODY, before).every((node, at) => node === before[at])).toBe(true);
    expect(edgesOf(changed, KINDS, wires).every((wire, at) => wire === wires[at])).toBe(true);
  });

  it("keeps the size that a node was drawn with", () => {
    const measured = { width: 256, height: 100 };
    const before = nodesOf(PORTRAITS, NOBODY, []).map((node) => ({ ...node, measured }));

    const after = nodesOf(withFolded(PORTRAITS, ["photo"], true), NOBODY, before);

    expect(after.every((node) => node.measured === measured)).toBe(true);
    expect(after.find((node) => node.id === "photo")?.data).toMatchObject({ folded: true });
  });

  it("has a wire for each link, from its output to its input", () => {
    expect(edgesOf(TWO_CONTROLS, KINDS, []).filter((edge) => edge.target === "sample")).toMatchObject([
      { id: "sample.model#0", sourceHandle: "out:model", targetHandle: "in:model" },
      { id: "sample.controls#0", source: "by_edges", targetHandle: "in:controls" },
      { id: "sample.controls#1", source: "by_pose", targetHandle: "in:controls" },
    ]);
  });

  it("shows an output that is used though the kind has none such, so that its wire ends somewhere", () => {
    const call = { type: "Canny", values: {}, links: { image: "photo.picture" } };
    const odd = { ...PORTRAITS, nodes: { ...PORTRAITS.nodes, edges: call } };

    const photo = nodesOf(odd, NOBODY, []).find((node) => node.id === "photo");

    expect(photo?.data).toMatchObject({ strays: ["picture"] });
  });

  it("puts frames behind the nodes", () => {
    const [frame] = nodesOf(addFrame(PORTRAITS, "Group", [0, 0], [300, 200]), NOBODY, []);

    expect(frame).toMatchObject({ type: "frame", width: 300, height: 200, zIndex: -1 });
  });
});
