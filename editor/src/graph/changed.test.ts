import { expect, test } from "vitest";

import { KINDS } from "../testing/kinds";
import { changedSince, withParams } from "./changed";
import { readWorkflow, toDocument } from "./document";
import { renameNode, setTitle, setValue } from "./edits";
import { moved } from "./view/places";
import type { Workflow } from "./workflow";

const THEN = readWorkflow({
  nodes: {
    photo: { type: "LoadImage", values: { path: "a.png" } },
    edges: { type: "Canny", links: { image: "photo.image" } },
    control: { type: "Control", links: { image: "edges.image" } },
    other: { type: "Blur", links: { image: "photo.image" } },
    part: { type: "Part", links: { image: "other.image" } },
  },
  params: { low: { to: ["edges.low_threshold", "other.radius"] } },
  templates: { Part: { nodes: { grey: { type: "Grey" } } } },
});

const edited = (now: Workflow) => [...changedSince(THEN, now)].sort();

test.each<[string, Workflow, string[]]>([
  ["nothing", THEN, []],
  ["the same, read anew", readWorkflow(toDocument(THEN)), []],
  ["its title and places", moved(setTitle(THEN, "x"), { edges: [5, 5] }), []],
  ["a value", setValue(THEN, "edges", "low_threshold", 37), ["control", "edges"]],
  ["what all depend on", setValue(THEN, "photo", "path", "b.png"), ["control", "edges", "other", "part", "photo"]],
  ["a name", renameNode(THEN, "edges", "lines"), ["control", "edges", "lines"]],
  ["a template", { ...THEN, templates: { Part: readWorkflow({ nodes: {} }) } }, ["part"]],
  ["what was put back", setValue(setValue(THEN, "edges", "low", 1), "edges", "low", undefined), []],
])("after a change of %s the nodes it reaches are no longer what they were", (_, now, names) => {
  expect(edited(now)).toEqual(names);
});

test("a default that is written out, or no longer is, is no change", () => {
  const written = readWorkflow({ nodes: { edges: { type: "Canny", values: { low_threshold: 100 } } } });
  const bare = readWorkflow({ nodes: { edges: { type: "Canny" } } });

  expect([...changedSince(written, bare, KINDS)]).toEqual([]);
  expect([...changedSince(bare, written, KINDS)]).toEqual([]);
  expect([...changedSince(bare, setValue(written, "edges", "low_threshold", 99), KINDS)]).toEqual(["edges"]);
});

test("what was run of a part says nothing of the rest", () => {
  const { photo, edges } = THEN.nodes;
  if (!photo || !edges) throw new Error("they are there");

  const part = { ...THEN, nodes: { photo, edges } };

  expect([...changedSince(part, THEN)].sort()).toEqual(["control", "other", "part"]);
});

test("a node that depends on itself ends the search too", () => {
  const round = readWorkflow({ nodes: { a: { type: "Blur", links: { image: "b.image" } }, b: { type: "Blur", links: { image: "a.image" } } } });

  expect([...changedSince(round, setValue(round, "a", "radius", 2))].sort()).toEqual(["a", "b"]);
});

test("a form's params are set where they lead", () => {
  const filled = withParams(THEN, { low: 7, nobody: 1 });

  expect(filled.nodes["edges"]?.values).toEqual({ low_threshold: 7 });
  expect(edited(filled)).toEqual(["control", "edges", "other", "part"]);
});
