import { describe, expect, it } from "vitest";

import { KINDS, PORTRAITS } from "../testing/kinds";
import { collapsed } from "./templates/collapse";
import { renamePort, setLabel, whyNotNamed } from "./ownPorts";
import { renameTemplatePort } from "./templates/renamePort";
import { own } from "./records";

describe("a param or a result", () => {
  it("gets another name at its old place", () => {
    const renamed = renamePort(PORTRAITS, "params", "steps", "passes");

    expect(Object.keys(renamed.params)).toEqual(
      Object.keys(PORTRAITS.params).map((name) => (name === "steps" ? "passes" : name)),
    );
    expect(renamed.params["passes"]).toBe(PORTRAITS.params["steps"]);
    expect(renamePort(PORTRAITS, "results", "grid", "sheet").results).toEqual({
      edges: "edges.image",
      sheet: "sheet.image",
    });
  });

  it("keeps its name where the other is taken", () => {
    expect(renamePort(PORTRAITS, "results", "grid", "edges")).toBe(PORTRAITS);
  });

  it("is told why it cannot be called so", () => {
    expect(whyNotNamed("Grid", "result", PORTRAITS.results)).toMatch("“Grid” is no name");
    expect(whyNotNamed("edges", "result", PORTRAITS.results)).toBe("there is a result called “edges” already");
    expect(whyNotNamed("sheet", "result", PORTRAITS.results)).toBeUndefined();
  });
});

describe("a label", () => {
  it("is set, and taken away by an empty one", () => {
    const labelled = setLabel(PORTRAITS, "steps", "How long");

    expect(labelled.params["steps"]).toEqual({ ...PORTRAITS.params["steps"], label: "How long" });
    expect(setLabel(labelled, "steps", "").params["steps"]).not.toHaveProperty("label");
    expect(setLabel(labelled, "steps", "How long")).toBe(labelled);
  });
});

describe("a port of a template", () => {
  // `sized` and `edges` become one node, which takes the picture and gives the lines.
  const [workflow, node] = collapsed(PORTRAITS, new Set(["sized", "edges"]), "Lines", KINDS);
  const at = (name: string) => own(workflow.nodes, name);

  it("is called otherwise wherever its node is given something", () => {
    const renaming = { type: "Lines", side: "params", old: "image", name: "photo" } as const;

    const renamed = renameTemplatePort(workflow, renaming);

    expect(at(node)?.links).toEqual({ image: "photo.image" });
    expect(renamed.nodes[node]?.links).toEqual({ photo: "photo.image" });
    expect(Object.keys(renamed.templates["Lines"]?.params ?? {})).toContain("photo");
    expect(renameTemplatePort(renamed, { ...renaming, old: "photo", name: "image" })).toEqual(workflow);
  });

  it("is called otherwise by the params that set it", () => {
    const low = renameTemplatePort(workflow, {
      type: "Lines",
      side: "params",
      old: "low_threshold",
      name: "weak",
    });

    expect(workflow.params["low_threshold"]?.to).toBe(`${node}.low_threshold`);
    expect(low.params["low_threshold"]?.to).toBe(`${node}.weak`);
  });

  it("is called otherwise wherever it leads", () => {
    const renamed = renameTemplatePort(workflow, {
      type: "Lines",
      side: "results",
      old: "image",
      name: "drawn",
    });

    expect(renamed.nodes["control"]?.links["image"]).toBe(`${node}.drawn`);
    expect(renamed.results["edges"]).toBe(`${node}.drawn`);
  });

  it("is called otherwise inside other templates that use it", () => {
    const [outer, whole] = collapsed(workflow, new Set([node, "control"]), "Controls", KINDS);

    const renamed = renameTemplatePort(outer, {
      type: "Lines",
      side: "results",
      old: "image",
      name: "drawn",
    });

    expect(renamed.templates["Controls"]?.nodes["control"]?.links["image"]).toBe(`${node}.drawn`);
    expect(renamed.nodes[whole]).toEqual(outer.nodes[whole]);
  });

  it("keeps its name where the other is taken", () => {
    const taken = { type: "Lines", side: "params", old: "image", name: "low_threshold" } as const;

    expect(renameTemplatePort(workflow, taken)).toBe(workflow);
  });
});
