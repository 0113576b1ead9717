import { describe, expect, it } from "vitest";

import { KINDS, PORTRAITS, TWO_CONTROLS } from "../../testing/kinds";
import { CannotCollapse, collapsed } from "./collapse";
import { expanded } from "./expand";
import { moved, placeOf } from "../view/places";
import { connect } from "../connect";
import type { Workflow } from "../workflow";
import { same } from "../records";

const collapse = (workflow: Workflow, ...names: string[]) =>
  collapsed(workflow, new Set(names), "Edges of a photo", KINDS);

/** What a workflow does: its parts without where they are drawn. */
const does = ({ nodes, params, results }: Workflow) => ({ nodes, params, results });

describe("collapse", () => {
  it("makes a template of a selection, with a param for each wire that comes in", () => {
    const [workflow, name] = collapse(PORTRAITS, "edges", "control");

    expect(name).toBe("edges_of_a_photo");
    expect(workflow.nodes[name]).toEqual({
      type: "EdgesOfAPhoto",
      values: {},
      links: { image: "sized.image", controlnet: "net.controlnet" },
    });
    const template = workflow.templates["EdgesOfAPhoto"];
    expect(Object.keys(template?.nodes ?? {})).toEqual(["edges", "control"]);
    expect(template?.params["image"]).toEqual({ to: "edges.image" });
    expect(template?.params["low_threshold"]).toEqual({
      to: "edges.low_threshold",
      label: "Low threshold",
      help: "Weaker edges are dropped",
    });
    expect(template?.results).toEqual({ control: "control.control", image: "edges.image" });
    expect(workflow.nodes["sample"]?.links["controls"]).toEqual(["edges_of_a_photo.control"]);
    expect(workflow.results["edges"]).toBe("edges_of_a_photo.image");
    expect(workflow.params["low_threshold"]?.to).toBe("edges_of_a_photo.low_threshold");
  });

  it("shares one param among inputs that come from one output", () => {
    const [workflow] = collapse(TWO_CONTROLS, "by_edges", "by_pose");

    expect(Object.values(workflow.templates["EdgesOfAPhoto"]?.params ?? {}).map((one) => one.to)).toContain(
      "by_edges.controlnet",
    );
  });

  it("and expand lead back to where the nodes were", () => {
    const drawn = moved(PORTRAITS, { edges: [10, 20], control: [301, 77] });
    const [workflow, name] = collapse(drawn, "edges", "control");

    const [back] = expanded(workflow, name);

    expect([placeOf(back, "edges"), placeOf(back, "control")]).toEqual([
      [10, 20],
      [301, 77],
    ]);
  });

  it("and expand lead back to the same workflow", () => {
    for (const names of [["edges", "control"], ["photo", "sized", "edges"], ["sample", "sheet"]]) {
      const [workflow, name] = collapse(PORTRAITS, ...names);

      const [back] = expanded(workflow, name);

      expect(same(does(back), does(PORTRAITS))).toBe(true);
      expect(back.templates).toEqual({});
    }
  });

  it("hands values that the call was given to what is inside", () => {
    const [workflow, name] = collapse(PORTRAITS, "edges", "control");
    const call = workflow.nodes[name];
    if (!call) throw new Error("no call");
    const given = { ...call, values: { low_threshold: 7 } };

    const [back] = expanded({ ...workflow, nodes: { ...workflow.nodes, [name]: given } }, name);

    expect(back.nodes["edges"]?.values["low_threshold"]).toBe(7);
  });

  it("refuses a selection whose wires would lead round", () => {
    expect(() => collapse(PORTRAITS, "photo", "edges")).toThrow(CannotCollapse);
    expect(() => collapse(PORTRAITS, "photo", "edges")).toThrow(/^sized lies between/);
  });

  it("refuses to take a part of a list from inside and a part from outside", () => {
    const mixed = connect(TWO_CONTROLS, "edges.image", "sheet", "images", KINDS["Grid"]?.inputs["images"]);

    expect(() => collapse(mixed, "sample", "sheet")).toThrow(/^sheet\.images takes wires from inside/);
  });
});
