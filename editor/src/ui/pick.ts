/** The palette that is open: where, and which wire it is to continue. */

import { createStore } from "zustand";

import type { Port } from "../card/ports/wireDrag";
import { focused, giveBack } from "./focus";

export interface Asking {
  /** Where on the window it opens, and the new node goes. */
  readonly x: number;
  readonly y: number;
  /** The port that the chosen node is to be connected with. */
  readonly from?: Port;
  /** One connects by name, without pointing: the ports that are there come first. */
  readonly byName?: boolean;
}

export const palette = createStore<{ readonly asking: Asking | null }>()(() => ({ asking: null }));

let before: HTMLElement | null = null;

export function askPalette(asking: Asking) {
  before = focused();
  palette.setState({ asking });
}

/** Whoever had the focus has it again. */
export function closePalette() {
  palette.setState({ asking: null });
  giveBack(before);
}
