import { describe, expect, it } from "vitest";

import { PORTRAITS } from "../testing/kinds";
import { NotAWorkflow, readWorkflow, toDocument, toText } from "./document";
import { removeNodes } from "./edits";
import { EMPTY, type Workflow } from "./workflow";

const templated: Workflow = { ...EMPTY, templates: { Part: EMPTY, Other: PORTRAITS } };

describe("a workflow", () => {
  it.each([
    ["with everything", PORTRAITS],
    ["with nothing", EMPTY],
    ["without its nodes", removeNodes(PORTRAITS, new Set(Object.keys(PORTRAITS.nodes)))],
    ["with nothing but a title", { ...EMPTY, title: "Later" }],
    ["with empty templates", templated],
  ])("%s survives its own writing", (_, workflow) => {
    expect(readWorkflow(toDocument(workflow))).toEqual(workflow);
    expect(readWorkflow(toText(workflow))).toEqual(workflow);
  });

  it("is read as the engine writes it, without what is empty", () => {
    expect(readWorkflow({ format: 1 })).toEqual(EMPTY);
    expect(readWorkflow({ format: 1, templates: { Part: {} } })).toEqual({ ...EMPTY, templates: { Part: EMPTY } });
  });

  it("keeps a key that every object has by nature", () => {
    const text = '{"format": 1, "nodes": {"__proto__": {"type": "Canny"}}}';

    expect(Object.keys(readWorkflow(text).nodes)).toEqual(["__proto__"]);
  });

  it.each([
    ["{}", "it has no nodes, so it is no workflow"],
    ['{"format": 2, "nodes": {}}', "format 2 is not known here, only 1"],
    ['{"format": 1, "notes": []}', "it has “notes”, which is not known here: a newer version may have made it"],
    ['{"format": 1, "nodes": {"a": {"type": "A", "mode": 1}}}', "a has “mode”, which is not known here"],
    ['{"format": 1, "params": {"p": {"to": "a.b", "unit": "px"}}}', "params.p has “unit”, which is not known here"],
    ['{"format": 1, "nodes": []}', "nodes should be an object"],
  ])("is refused where something in it would be lost: %s", (text, message) => {
    expect(() => readWorkflow(text)).toThrow(NotAWorkflow);
    expect(() => readWorkflow(text)).toThrow(message);
  });
});
