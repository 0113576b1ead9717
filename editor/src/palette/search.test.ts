import { describe, expect, it } from "vitest";

import { KINDS } from "../testing/kinds";
import words from "../testing/words.json";
import { allOffers, matches, matched, offersFor } from "./search";

const types = (typed: string) => matches(allOffers(KINDS), typed).map(({ kind }) => kind.type);

describe("the palette finds", () => {
  it.each([
    ["canny", "Canny"],
    ["load im", "LoadImage"],
    ["loadimage", "LoadImage"],
    ["ldimg", "LoadImage"],
    ["grid", "Grid"],
    ["sampling deno", "Denoise"],
    ["enlarge", "Enlarge"],
  ])("by %s first %s", (typed, type) => {
    expect(types(typed)[0]).toBe(type);
  });

  it.each(Object.entries(words))("the field's %s as %s", (typed, type) => {
    expect(types(typed)[0]).toBe(type);
  });

  it("a node before a workflow that is called so as well", () => {
    const [lora, pose] = [KINDS["LoadLoRA"], KINDS["OpenPose"]];
    if (!lora || !pose) throw new Error("no such kinds");
    const workflow = { ...lora, sort: "template" as const, aliases: [] };
    const all = [{ ...workflow, title: "LoRA portraits" }, { ...workflow, title: "Pose transfer" }, lora, pose];

    const first = (typed: string) => matches(all.map((kind) => ({ kind })), typed)[0]?.kind.title;

    expect([first("lora"), first("pose"), first("pose transfer")]).toEqual(["Load LoRA", "OpenPose", "Pose transfer"]);
  });

  it("a node by a word of its description, after those that are called so", () => {
    const edges = types("edges");

    expect(edges).toContain("Canny");
    expect(types("zzz")).toEqual([]);
    expect(types("")).toHaveLength(Object.keys(KINDS).length);
  });

  it("letters in order where nothing better is there", () => {
    expect(matched("cny", "canny")).toBe(0.3);
    expect(matched("ynn", "canny")).toBe(0);
  });

  it("only what a wire fits, with the port it would end in", () => {
    const control = KINDS["Control"]?.outputs["control"];
    const model = KINDS["Sample"]?.inputs["model"];
    if (!control || !model) throw new Error("no such ports");

    expect(offersFor(KINDS, "out", control).map(({ kind, port }) => [kind.type, port])).toEqual(
      ["Denoise", "Sample", "ImageToImage", "Inpaint", "Hires"].map((type) => [type, "controls"]),
    );
    expect(offersFor(KINDS, "in", model).map(({ kind }) => kind.type)).toEqual([
      "LoadBaseModel",
      "LoadLoRA",
      "LoadEmbedding",
    ]);
  });
});
