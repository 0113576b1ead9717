/** The palette that is open: where, and which wire it is to continue. */

import { createStore } from "zustand";

import type { Port } from "../canvas/dragging";

export interface Asking {
  /** Where on the window it opens, and the new node goes. */
  readonly x: number;
  readonly y: number;
  /** The port that the chosen node is to be connected with. */
  readonly from?: Port;
}

export const palette = createStore<{ readonly asking: Asking | null }>()(() => ({ asking: null }));

export function askPalette(asking: Asking) {
  palette.setState({ asking });
}

export function closePalette() {
  palette.setState({ asking: null });
}
