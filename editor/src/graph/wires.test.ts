import { describe, expect, it } from "vitest";

import { KINDS, PORTRAITS, TWO_CONTROLS } from "../testing/kinds";
import { removeNodes } from "./edits";
import { fits, inputsFor, outputsFor } from "./fit";
import type { Input, Output } from "./kinds";
import { typeName } from "./schema";
import { connect, disconnect, reconnect } from "./connect";
import { moveWire, setOneOfEach } from "./inputLink";
import { leadsRound } from "./wires";

const input = (type: string, name: string): Input => {
  const found = KINDS[type]?.inputs[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
};

const output = (type: string, name: string): Output => {
  const found = KINDS[type]?.outputs[name];
  if (!found) throw new Error(`no ${type}.${name}`);
  return found;
};

describe("a wire fits", () => {
  it.each([
    ["LoadImage.image", "Canny.image", true],
    ["LoadImage.image", "Grid.images", true],
    ["LoadImage.mask", "Canny.image", false],
    ["LoadImage.mask", "Sample.mask", true],
    ["LoadImage.name", "Grid.labels", true],
    ["LoadImage.name", "LoadImage.path", false],
    ["LoadImage.name", "Sample.steps", false],
    ["Control.control", "Sample.controls", true],
    ["Sweep.x", "Sample.scheduler", true],
    ["Sweep.x", "LoadBaseModel.model", true],
    ["Sweep.x", "Sample.model", false],
    ["LoadImage.image", "Sweep.x", false],
    ["LoadImage.name", "Sweep.x", true],
    ["LoadControlNet.controlnet", "ModelInfo.model", true],
    ["LoadControlNet.controlnet", "Sample.model", false],
    ["ListImages.paths", "LoadImage.path", true],
  ])("%s into %s: %s", (from, to, expected) => {
    const [source, name = ""] = from.split(".");
    const [target, port = ""] = to.split(".");

    expect(fits(output(source ?? "", name), input(target ?? "", port))).toBe(expected);
  });

  it("into the most likely input first", () => {
    const sample = KINDS["Sample"];
    const blend = KINDS["Blend"];
    if (!sample || !blend) throw new Error("no such kinds");

    expect(inputsFor(output("Control", "control"), sample)).toEqual(["controls"]);
    expect(inputsFor(output("LoadImage", "image"), blend)[0]).toBe("image");
    expect(outputsFor(input("Canny", "image"), sample)).toEqual(["image"]);
  });

  it("by a type that can be spelled", () => {
    expect(typeName(input("Grid", "images"))).toBe("Image list");
    expect(typeName(input("Sample", "mask"))).toBe("Mask");
    expect(typeName(input("Sample", "width"))).toBe("whole number");
    expect(typeName(input("Sweep", "x"))).toBe("any value list");
  });
});

describe("connect", () => {
  it("replaces what was there, and the value and the param that stood for it", () => {
    const linked = connect(PORTRAITS, "photo.name", "sample", "prompt", input("Sample", "prompt"));

    expect(linked.nodes["sample"]?.links["prompt"]).toBe("photo.name");
    expect(linked.nodes["sample"]?.values).not.toHaveProperty("prompt");
    expect(linked.params).not.toHaveProperty("prompt");
    expect(linked.params).toHaveProperty("seed");
  });

  it("adds to an input that takes several, in order", () => {
    const images = input("Grid", "images");
    const linked = connect(PORTRAITS, "edges.image", "sheet", "images", images);

    expect(linked.nodes["sheet"]?.links["images"]).toEqual(["sample.image", "edges.image"]);
    expect(connect(linked, "edges.image", "sheet", "images", images)).toBe(linked);
    expect(moveWire(linked, "sheet", "images", 1, 0).nodes["sheet"]?.links["images"]).toEqual([
      "edges.image",
      "sample.image",
    ]);
  });

  it("begins a list that is about one run with one item of each", () => {
    const none = disconnect(PORTRAITS, "sample", "controls");

    const linked = connect(none, "control.control", "sample", "controls", input("Sample", "controls"));

    expect(none.nodes["sample"]?.links).not.toHaveProperty("controls");
    expect(linked.nodes["sample"]?.links["controls"]).toEqual(["control.control"]);
    expect(setOneOfEach(linked, "sample", "controls", false).nodes["sample"]?.links["controls"]).toBe(
      "control.control",
    );
  });

  it("knows when a wire would lead round", () => {
    expect(leadsRound(PORTRAITS, "sample", "photo")).toBe(true);
    expect(leadsRound(PORTRAITS, "photo", "sample")).toBe(false);
    expect(leadsRound(PORTRAITS, "photo", "photo")).toBe(true);
  });
});

describe("one wire of several", () => {
  it("that is left alone gives all its items again where the list is for that", () => {
    const grid = connect(PORTRAITS, "edges.image", "sheet", "images", input("Grid", "images"));
    const both = connect(PORTRAITS, "edges.control", "sample", "controls", input("Sample", "controls"));

    expect(disconnect(grid, "sheet", "images", 1, KINDS)).toEqual({
      ...PORTRAITS,
      nodes: { ...PORTRAITS.nodes },
    });
    expect(removeNodes(grid, new Set(["edges"]), KINDS).nodes["sheet"]?.links["images"]).toBe(
      "sample.image",
    );
    expect(disconnect(both, "sample", "controls", 1, KINDS).nodes["sample"]?.links["controls"]).toEqual([
      "control.control",
    ]);
  });

  it("is taken away without the others", () => {
    const left = disconnect(TWO_CONTROLS, "sample", "controls", 0);

    expect(left.nodes["sample"]?.links["controls"]).toEqual(["by_pose.control"]);
  });

  it("can come from elsewhere", () => {
    const changed = reconnect(TWO_CONTROLS, "sample", "controls", 1, "by_edges.control");

    expect(changed.nodes["sample"]?.links["controls"]).toEqual([
      "by_edges.control",
      "by_edges.control",
    ]);
  });
});
