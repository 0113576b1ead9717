import { expect, test } from "vitest";

import { fitting, stepped, type Offer } from "./offer";

const offer = (name: string, hint = "built in"): Offer => ({ name, hint });
const OFFERS = [offer("someone/sd-canny", "SD 1.x"), offer("tiny-canny"), offer("tiny-depth")];
const names = (typed: string) => fitting(OFFERS, typed).map(({ name }) => name);

test("every word that is typed is found, in the name or in what stands beside it", () => {
  expect(names("canny")).toEqual(["someone/sd-canny", "tiny-canny"]);
  expect(names("Canny built")).toEqual(["tiny-canny"]);
  expect(names("sd 1.x")).toEqual(["someone/sd-canny"]);
  expect(names("pose")).toEqual([]);
});

test("names that begin as was typed come first, and without a word all stay in order", () => {
  expect(names("t")).toEqual(["tiny-canny", "tiny-depth"]);
  expect(fitting([offer("a/tiny"), offer("tiny")], "tiny").map(({ name }) => name)).toEqual(["tiny", "a/tiny"]);
  expect(names(" ")).toEqual(OFFERS.map(({ name }) => name));
});

test("arrow keys go round, and begin at the end they come from", () => {
  expect(stepped(null, 1, 3)).toBe(0);
  expect(stepped(null, -1, 3)).toBe(2);
  expect(stepped(2, 1, 3)).toBe(0);
  expect(stepped(0, -1, 3)).toBe(2);
  expect(stepped(null, 1, 0)).toBeNull();
});
