/** The order of the rooms, with no circle between modules: read from the imports of every file. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";

import { expect, test } from "vitest";

/** A room imports only from itself and from those before it; `App.tsx` and `main.tsx` come last. */
const ROOMS = [
  "contract",
  "graph",
  "server",
  "ui",
  "panels",
  "card",
  "canvas",
  "documents",
  "palette",
  "commands",
  "page",
];

/** Modules in one folder, at most; tests do not count. */
const MOST = 20;

const SRC = import.meta.dirname;
const FILES = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
const MODULES = FILES.filter((file) => !/\.test\.|^testing\//.test(file));

/** Type-only imports, `import()` and re-exports too: whatever a file needs to be understood. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']*)["']/g)].flatMap(([, address = ""]) => {
    const path = join(dirname(file), address);
    return [path, `${path}.ts`, `${path}.tsx`, `${path}/index.ts`].find((name) => FILES.includes(name)) ?? [];
  });
}

const IMPORTS = new Map(FILES.map((file) => [file, importsOf(file)]));

function refusal(file: string, imported: string): string | undefined {
  const [room = "", target = ""] = [file, imported].map((path) => path.split("/")[0]);
  if (target === "testing") return MODULES.includes(file) ? "only tests import testing/" : undefined;
  if (room === "testing") return target === "graph" ? undefined : "testing/ imports only graph/";
  const place = (name: string) => (ROOMS.includes(name) ? ROOMS.indexOf(name) : ROOMS.length);
  return place(target) > place(room) ? `${room} comes before ${target}` : undefined;
}

function circleFrom(file: string, path: readonly string[], finished: Set<string>): string[] {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (finished.has(file)) return [];
  const circles = (IMPORTS.get(file) ?? []).map((next) => circleFrom(next, [...path, file], finished));
  finished.add(file);
  return circles.find((circle) => circle.length > 0) ?? [];
}

test("a room imports only those before it", () => {
  const refused = FILES.flatMap((file) =>
    importsOf(file).flatMap((imported) => {
      const rule = refusal(file, imported);
      return rule ? `${file} imports ${imported}: ${rule}` : [];
    }),
  );

  expect(refused).toEqual([]);
});

test("every folder is a room", () => {
  const folders = new Set(MODULES.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));

  expect([...folders].sort()).toEqual([...ROOMS].sort());
});

test("no imports lead round", () => {
  const finished = new Set<string>();

  expect(FILES.map((file) => circleFrom(file, [], finished).join(" -> ")).filter(Boolean)).toEqual([]);
});

test("a folder holds few modules, whose names differ by more than capitals", () => {
  const folders = MODULES.map((file) => dirname(file));
  const full = folders.filter((folder) => folders.filter((name) => name === folder).length > MOST);
  const names = MODULES.map((file) => join(dirname(file), parse(file).name).toLowerCase());

  expect([...new Set(full)]).toEqual([]);
  expect(names.filter((name, place) => names.indexOf(name) !== place)).toEqual([]);
});

test("the README lists the rooms in their order", () => {
  const text = readFileSync(join(SRC, "../README.md"), "utf8");

  expect([...text.matchAll(/^\d+\. `(\w+)\/`/gm)].map(([, room]) => room)).toEqual(ROOMS);
});
