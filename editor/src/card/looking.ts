/** The picture of a node that is looked at in full size. */

import { createStore } from "zustand";

interface Looking {
  readonly node: string;
  readonly pictures: readonly string[];
  readonly at: number | null;
}

export const looking = createStore<Looking>()(() => ({ node: "", pictures: [], at: null }));

export function look(node: string, pictures: readonly string[], at: number) {
  looking.setState({ node, pictures, at });
}

export function stopLooking() {
  looking.setState({ at: null });
}
