/** The wire that is being drawn, and whether a port takes it. */

import { createStore, useStore } from "zustand";

import { describedAt, fitsFrom, type Input, type Output, type Port } from "../../graph";

interface WireDrag {
  readonly from: Port | null;
  readonly described: Input | Output | undefined;
}

export const wireDrag = createStore<WireDrag>()(() => ({ from: null, described: undefined }));

export function startDragging(from: Port) {
  wireDrag.setState({ from, described: describedAt(from) });
}

export function stopDragging() {
  if (wireDrag.getState().from) wireDrag.setState({ from: null, described: undefined });
}

/** Whether a port takes the wire that is being drawn; null where none is, or it comes from there. */
export function useTakes(mine: Port, described: Input | Output | undefined): boolean | null {
  return useStore(wireDrag, ({ from, described: source }) => {
    if (!from) return null;
    if (from.node === mine.node && from.port === mine.port && from.side === mine.side) return null;
    if (from.side === mine.side || from.node === mine.node || !described || !source) return false;
    return fitsFrom(from.side, source, described);
  });
}
