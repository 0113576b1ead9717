import { describe, expect, it } from "vitest";

import type { ExplainLine } from "../server";
import { expectationOf, spotOf } from "./marks";

describe("an address", () => {
  it.each([
    ["edges", { node: "edges", input: undefined }],
    ["edges.low_threshold", { node: "edges", input: "low_threshold" }],
    ["sample.prompt[2]", { node: "sample", input: "prompt" }],
    ["sample/denoise.steps", { node: "sample", input: undefined }],
    ["params.size", { node: "params", input: "size" }],
  ])("%s is drawn at %j", (address, spot) => {
    expect(spotOf(address)).toEqual(spot);
  });
});

describe("what is expected of a node", () => {
  const line = (state: ExplainLine["state"], why: string): ExplainLine => ({
    name: "sample",
    items: [],
    state,
    why,
  });

  it.each([
    [[line("cached", "took 3 s")], { state: "cached", why: "took 3 s" }],
    [[line("cached", "a"), line("cached", "b")], { state: "cached", why: "" }],
    [[line("cached", ""), line("runs", "steps was 10, is 20")], { state: "runs", why: "steps was 10, is 20" }],
    [[line("waits", "depends on edges"), line("cached", "")], { state: "runs", why: "depends on edges" }],
    [[line("waits", "depends on b"), line("runs", "steps was 1, is 2")], { state: "runs", why: "steps was 1, is 2" }],
    [[line("runs", "new"), line("fails", "no such file")], { state: "fails", why: "no such file" }],
  ])("is what its parts say", (lines, expected) => {
    expect(expectationOf(lines)).toEqual(expected);
  });
});
