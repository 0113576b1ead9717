/** The options of every run, for want of memory; remembered in the browser. */

import { createStore } from "zustand/vanilla";

import type { Job } from "./types";

export type OnOom = NonNullable<Job["on_oom"]>;

const KEY = "nodegraph.on-oom";

/** Null: what the server does by itself. */
export const runOptions = createStore<{ readonly onOom: OnOom | null }>(() => ({ onOom: remembered() }));

runOptions.subscribe(({ onOom }) => {
  try {
    if (onOom) localStorage.setItem(KEY, onOom);
    else localStorage.removeItem(KEY);
  } catch {
    // Then a reload asks for nothing, as a first start does.
  }
});

/** The options as a request holds them. */
export function requestOptions(): { on_oom?: OnOom } {
  const { onOom } = runOptions.getState();
  return onOom ? { on_oom: onOom } : {};
}

function remembered(): OnOom | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "degrade" || stored === "fail" ? stored : null;
  } catch {
    return null;
  }
}
