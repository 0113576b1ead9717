/** The request that opens the palette: where on the window, and which wire the new node continues. */

import { createStore } from "zustand";

import type { Port } from "../graph";
import { focused, giveBack } from "./focus";

export interface PaletteRequest {
  /** Where on the window it opens, and the new node goes. */
  readonly x: number;
  readonly y: number;
  /** The port that the chosen node is to be connected with. */
  readonly from?: Port;
  /** One connects by name, without pointing: the ports that are there come first. */
  readonly byName?: boolean;
}

export const palette = createStore<{ readonly request: PaletteRequest | null }>()(() => ({
  request: null,
}));

let before: HTMLElement | null = null;

export function openPalette(request: PaletteRequest) {
  before = focused();
  palette.setState({ request });
}

/** Whoever had the focus has it again. */
export function closePalette() {
  palette.setState({ request: null });
  giveBack(before);
}
