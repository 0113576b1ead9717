/** The menu that is open: where, what is in it, and what had the focus before. */

import type { MouseEvent as ReactMouseEvent } from "react";
import { createStore } from "zustand";

import { focused, giveBack } from "../focus";

export interface MenuItem {
  readonly label: string;
  readonly keys?: string;
  /** A word at the right, where no key is. */
  readonly hint?: string;
  run(): void;
}

/** Lines are drawn between groups. */
export type Menu = readonly (readonly MenuItem[])[];

interface Opened {
  readonly x: number;
  readonly y: number;
  readonly menu: Menu;
}

export const menus = createStore<{ readonly opened: Opened | null }>()(() => ({ opened: null }));

let before: HTMLElement | null = null;

/** Open a menu at the pointer, as the browser asks for one. */
export function openMenu(event: ReactMouseEvent | MouseEvent, menu: Menu) {
  // In a text field the browser's own menu is of more use.
  if ((event.target as Element).closest("input, textarea, select")) {
    event.stopPropagation();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  show(event.clientX, event.clientY, menu);
}

/** Open a menu below what it is about. */
export function openMenuBelow(element: Element, menu: Menu) {
  const box = element.getBoundingClientRect();
  show(box.left, box.bottom + 4, menu);
}

export function closeMenu() {
  menus.setState({ opened: null });
  giveBack(before);
  before = null;
}

function show(x: number, y: number, menu: Menu) {
  before ??= focused();
  menus.setState({ opened: { x, y, menu: menu.filter((group) => group.length > 0) } });
}
