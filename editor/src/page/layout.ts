/** The layout of the page: graph or form, and the panels beside it; remembered in the browser. */

import { createStore } from "zustand";

export const SIDES = ["Queue", "Gallery", "Workflows"] as const;

export type Side = (typeof SIDES)[number];

interface Layout {
  readonly view: "graph" | "form";
  /** The panel at the right; null: none. */
  readonly side: Side | null;
  readonly problems: boolean;
}

const KEY = "nodegraph.layout";

/** As in the style sheet: no room for a panel, unless it is asked for. */
const isNarrow = globalThis.matchMedia?.("(max-width: 46rem)").matches ?? false;

export const layout = createStore<Layout>()(() => ({
  view: "graph",
  side: isNarrow ? null : "Queue",
  problems: false,
  ...remembered(),
}));

layout.subscribe(({ side }) => {
  try {
    localStorage.setItem(KEY, JSON.stringify({ side }));
  } catch {
    // Then a reload shows what a first start does.
  }
});

function remembered(): Partial<Layout> {
  try {
    const { side } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as { side?: unknown };
    if (side === null) return { side: null };
    const panel = SIDES.find((name) => name === side);
    return panel ? { side: panel } : {};
  } catch {
    return {};
  }
}
