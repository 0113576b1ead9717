import { describe, expect, it } from "vitest";

import { KINDS } from "../../testing/kinds";
import { rowsOf } from "./rows";

const call = { type: "Sample", values: {}, links: {} };

describe("a node's rows", () => {
  it("are few: what is seldom set is under \"more\"", () => {
    const { shown, hidden } = rowsOf(KINDS["Sample"], call, false);

    expect(shown).toHaveLength(11);
    expect(hidden).toEqual(["width", "height", "guess_mode", "clip_skip"]);
  });

  it("hide nothing that is set, linked or wrong", () => {
    const given = { ...call, values: { width: 512 }, links: { clip_skip: "a.b" } };

    expect(rowsOf(KINDS["Sample"], given, false, ["height"]).hidden).toEqual(["guess_mode"]);
    expect(rowsOf(KINDS["Sample"], call, true).hidden).toEqual([]);
  });

  it("show what was given though the kind has no such input", () => {
    const odd = { type: "Canny", values: { high: 3 }, links: { picture: "a.b" } };

    expect(rowsOf(KINDS["Canny"], odd, false).strays).toEqual(["picture", "high"]);
    expect(rowsOf(undefined, odd, false)).toEqual({ shown: [], hidden: [], strays: ["picture", "high"] });
  });
});
