import { describe, expect, it } from "vitest";

import { KINDS, PORTRAITS } from "../../testing/kinds";
import { movedInFrames } from "./boxes";
import { arranged, placed } from "./arrange";
import { estimated } from "./sizes";
import { moved, placeOf } from "./places";
import { addFrame, framesOf } from "./frames";
import { wiresOf } from "../wires";

const SIZES = () => [200, 100] as const;

describe("tidy", () => {
  it("puts every node to the right of those it takes from, and none over another", () => {
    const places = arranged(PORTRAITS, SIZES);
    const at = (name: string) => places[name] ?? [0, 0];

    for (const { source, target } of wiresOf(PORTRAITS)) {
      expect(at(target)[0]).toBeGreaterThanOrEqual(at(source)[0] + 200);
    }
    const names = Object.keys(places);
    const over = names.flatMap((one) =>
      names.filter(
        (other) =>
          one < other &&
          Math.abs(at(one)[0] - at(other)[0]) < 200 &&
          Math.abs(at(one)[1] - at(other)[1]) < 100,
      ),
    );
    expect(over).toEqual([]);
  });

  it("draws frames anew round the nodes that were in them", () => {
    const before = moved(addFrame(PORTRAITS, "Group", [-20, -60], [300, 200]), {
      photo: [0, 0],
      sized: [900, 0],
    });

    const after = movedInFrames(before, { photo: [500, 600] }, SIZES);

    expect(framesOf(after)).toEqual([
      { id: "frame 1", title: "Group", at: [476, 552], size: [248, 172] },
    ]);
  });

  it("keeps the rest where it is", () => {
    expect(Object.keys(arranged(PORTRAITS, SIZES, new Set(["photo", "sized"])))).toEqual([
      "photo",
      "sized",
    ]);
  });

  it("gives a place to every node of a file that has none, and to no other", () => {
    const first = placed({ ...PORTRAITS, view: { photo: [-500, 3] } }, estimated(PORTRAITS, KINDS));

    expect(placeOf(first, "photo")).toEqual([-500, 3]);
    expect(Object.keys(first.view).sort()).toEqual(Object.keys(PORTRAITS.nodes).sort());
    expect(placed(first, SIZES)).toBe(first);
  });
});
