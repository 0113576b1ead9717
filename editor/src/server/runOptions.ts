/** What every run asks for where memory does not suffice; remembered in the browser. */

import { createStore } from "zustand/vanilla";

import type { Job } from "./types";

export type OnOom = NonNullable<Job["on_oom"]>;

const KEY = "nodegraph.on-oom";

/** Null: what the server does by itself. */
export const asking = createStore<{ readonly onOom: OnOom | null }>(() => ({ onOom: remembered() }));

asking.subscribe(({ onOom }) => {
  try {
    if (onOom) localStorage.setItem(KEY, onOom);
    else localStorage.removeItem(KEY);
  } catch {
    // Then a reload asks for nothing, as a first start does.
  }
});

/** What is asked for, as a request says it. */
export function asked(): { on_oom?: OnOom } {
  const { onOom } = asking.getState();
  return onOom ? { on_oom: onOom } : {};
}

function remembered(): OnOom | null {
  try {
    const known = localStorage.getItem(KEY);
    return known === "degrade" || known === "fail" ? known : null;
  } catch {
    return null;
  }
}
