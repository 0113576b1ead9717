/** The node whose name is being edited on the canvas. */

import { createStore, useStore } from "zustand";

export const renaming = createStore<{ readonly node: string | null }>()(() => ({ node: null }));

export function stopRenaming() {
  renaming.setState({ node: null });
}

export function useIsRenaming(node: string): boolean {
  return useStore(renaming, (state) => state.node === node);
}
