import { describe, expect, it } from "vitest";

import { KINDS, PORTRAITS } from "../testing/kinds";
import { copied, pasted } from "./clipboard";
import { NotAWorkflow, readWorkflow, toDocument, toText } from "./document";
import { addNode, nameFor, removeNodes, renameNode, setValue } from "./edits";
import { toggleParam, toggleResult } from "./ownPorts";
import { upTo } from "./upTo";
import { placeOf } from "./view/places";
import { foldedOf, withFolded } from "./view/folded";
import { EMPTY } from "./workflow";
import raw from "../../../workflows/canny-portraits.json";

describe("a document", () => {
  it("is written as it was read", () => {
    expect(toDocument(PORTRAITS)).toEqual(raw);
    expect(readWorkflow(toText(PORTRAITS))).toEqual(PORTRAITS);
  });

  it("may have a name in several places, and quotes, brackets and escapes in its texts", () => {
    const values = { type: '"a": {', a: ["\\", "a", "a", { a: "a" }], b: { a: 'x"' } };
    const text = JSON.stringify({ format: 1, nodes: { a: { type: "a", values } } }, null, 1);

    expect(readWorkflow(text).nodes["a"]?.values).toEqual(values);
  });

  it.each([
    ["no JSON", /^this is not JSON/],
    ["[]", /^a workflow is an object/],
    ['{"nodes": {"a": {"type": "B"}, "a": {"type": "C"}}}', /^this is not JSON: "a" is given twice/],
    ['{"nodes": {"a": {"type": "B"}, "\\u0061" : {}}}', /^this is not JSON: "a" is given twice/],
    ["{}", /^it has no nodes/],
    ['{"format": 2, "nodes": {}}', /^format 2 is not known/],
    ['{"nodes": {"a": 1}}', /^a: a node is an object with a type/],
    ['{"nodes": {"a": {"type": "B", "links": {"c": 3}}}}', /^a\.c: a link is written/],
    ['{"3": {"class_type": "KSampler", "inputs": {}}}', /^this is a workflow of ComfyUI/],
    ['{"nodes": [], "links": []}', /^this is a workflow of ComfyUI/],
  ])("%s is refused with a sentence", (text, sentence) => {
    expect(() => readWorkflow(text)).toThrow(NotAWorkflow);
    expect(() => readWorkflow(text)).toThrow(sentence);
  });
});

describe("a node", () => {
  it.each([
    ["LoadBaseModel", "load_base_model"],
    ["LoadLoRA", "load_lo_ra"],
    ["HTTPImage", "http_image"],
    ["./parts/edges.json", "edges"],
    ["3D", "d"],
    ["…", "node"],
  ])("of type %s is called %s at first", (type, name) => {
    expect(nameFor(type)).toBe(name);
  });

  it("gets a free name", () => {
    const [once] = addNode(EMPTY, "Canny", [0, 0]);
    const [twice, name] = addNode(once, "Canny", [10.4, 20]);

    expect(name).toBe("canny_2");
    expect(placeOf(twice, name)).toEqual([10, 20]);
  });

  it("may have the name of something that every object inherits", () => {
    const renamed = renameNode(PORTRAITS, "photo", "constructor");

    expect(renamed.nodes["sized"]?.links).toEqual({ image: "constructor.image" });
    expect(removeNodes(PORTRAITS, new Set(["constructor"]))).toBe(PORTRAITS);
  });

  it("is renamed everywhere, at its old place", () => {
    const renamed = renameNode(withFolded(PORTRAITS, ["sample"], true), "sample", "portraits");

    expect(Object.keys(renamed.nodes)).toEqual(
      Object.keys(PORTRAITS.nodes).map((one) => (one === "sample" ? "portraits" : one)),
    );
    expect(renamed.nodes["sheet"]?.links).toEqual({ images: "portraits.image" });
    expect(renamed.params["prompt"]?.to).toBe("portraits.prompt");
    expect(foldedOf(renamed)).toEqual(new Set(["portraits"]));
  });

  it("takes its wires, params and results along when it is deleted", () => {
    const left = removeNodes(PORTRAITS, new Set(["edges"]));

    expect(left.nodes["control"]?.links).toEqual({ controlnet: "net.controlnet" });
    expect(left.params["low_threshold"]).toBeUndefined();
    expect(left.results).toEqual({ grid: "sheet.image" });
  });

  it("stores no value that is the default", () => {
    const steps = KINDS["Sample"]?.inputs["steps"];

    const changed = setValue(PORTRAITS, "sample", "steps", 20, steps);

    expect(changed.nodes["sample"]?.values).not.toHaveProperty("steps");
    expect(setValue(PORTRAITS, "sample", "seed", 2)).toBe(PORTRAITS);
  });
});

describe("paste", () => {
  it("keeps the wires between what was copied, under new names", () => {
    const text = copied(PORTRAITS, new Set(["edges", "control"]));

    const [workflow, names] = pasted(PORTRAITS, text);

    expect(names).toEqual(["edges_2", "control_2"]);
    expect(workflow.nodes["edges_2"]?.links).toEqual({});
    expect(workflow.nodes["control_2"]?.links).toEqual({ image: "edges_2.image" });
  });

  it("keeps the wires from outside too where asked", () => {
    const text = copied(PORTRAITS, new Set(["edges", "control"]));

    const [workflow] = pasted(PORTRAITS, text, { incoming: true });

    expect(workflow.nodes["control_2"]?.links).toEqual({
      image: "edges_2.image",
      controlnet: "net.controlnet",
    });
    expect(pasted(EMPTY, text, { incoming: true })[0].nodes["edges"]?.links).toEqual({});
  });

  it("puts the upper left of what was copied where it is told to", () => {
    const [placed] = addNode(addNode(EMPTY, "Canny", [300, 400])[0], "Grid", [350, 380]);

    const [workflow] = pasted(placed, copied(placed, new Set(["canny", "grid"])), { at: [0, 0] });

    expect(placeOf(workflow, "canny_2")).toEqual([0, 20]);
    expect(placeOf(workflow, "grid_2")).toEqual([50, 0]);
  });

  it("gives a template another name where the name means something else", () => {
    const edges = readWorkflow({ nodes: { a: { type: "Canny" } }, results: { image: "a.image" } });
    const soft = readWorkflow({ nodes: { a: { type: "SoftEdge" } }, results: { image: "a.image" } });
    const ours = { ...EMPTY, templates: { Lines: edges } };
    const theirs = { ...EMPTY, nodes: { one: { type: "Lines", values: {}, links: {} } } };

    const [other] = pasted(ours, toText({ ...theirs, templates: { Lines: soft } }));
    const [equal] = pasted(ours, toText({ ...theirs, templates: { Lines: edges } }));

    expect(other.nodes["one"]?.type).toBe("Lines_2");
    expect(other.templates).toEqual({ Lines: edges, Lines_2: soft });
    expect(equal.templates).toEqual({ Lines: edges });
  });
});

describe("the workflow's own ports", () => {
  it("come and go by one command", () => {
    const shown = toggleParam(PORTRAITS, "sample.clip_skip", "Clip skip");

    expect(shown.params["clip_skip"]).toEqual({ to: "sample.clip_skip" });
    expect(toggleParam(shown, "sample.clip_skip", "")).toEqual(PORTRAITS);
    expect(toggleResult(PORTRAITS, "sheet.image").results).toEqual({ edges: "edges.image" });
    expect(toggleResult(PORTRAITS, "edges.mask").results).toHaveProperty("edges_mask", "edges.mask");
  });

  it("cannot stand for an input that is linked", () => {
    expect(toggleParam(PORTRAITS, "sample.model", "Model")).toBe(PORTRAITS);
  });
});

describe("a run up to a node", () => {
  it("has what the node needs, and what it gives for its result", () => {
    const part = upTo(PORTRAITS, ["edges"], KINDS);

    expect(Object.keys(part.nodes)).toEqual(["photo", "sized", "edges"]);
    expect(part.results).toEqual({ edges: "edges.image" });
  });

  it("has no result where nothing that it gives can be shown", () => {
    expect(upTo(PORTRAITS, ["control"], KINDS).results).toEqual({});
  });
});
