/** The keys and the clipboard of the canvas. */

import { useEffect } from "react";

import { palette } from "../ui/paletteRequest";
import { allCommands, COMMANDS } from "./commands";
import { clip, pasteText } from "../canvas/clipping";
import { removeChosen } from "../canvas/selection";
import { isAsked, isTyping } from "../ui/keys";
import { commandFor } from "./keymap";
import { menus } from "../ui/menu/menu";

/** What was used last: Tab opens the palette for one who points, and moves on for one who types. */
let pointed = false;
let shifted = false;

/** Listen as long as the canvas is shown. */
export function useKeyboard() {
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    // Before React Flow sees a key: Ctrl+Enter on a node would take it out of the selection.
    document.addEventListener("keydown", onKeyDown, { capture: true, signal });
    document.addEventListener("pointerdown", onPointerDown, { capture: true, signal });
    document.addEventListener("copy", (event) => onCopy(event, false), { signal });
    document.addEventListener("cut", (event) => onCopy(event, true), { signal });
    document.addEventListener("paste", onPaste, { signal });
    return () => stop.abort();
  }, []);
}

function onPointerDown() {
  pointed = true;
  const { activeElement: now } = document;
  // A ring that keys drew would stay where one goes on by pointing; the pointer gives the focus anew, without it.
  if (now instanceof HTMLElement && now.matches(".canvas, .react-flow__node")) now.blur();
}

function onKeyDown(event: KeyboardEvent) {
  shifted = event.shiftKey;
  if (event.defaultPrevented || isBusy()) return;
  const typing = isTyping(event.target);
  if (!typing && isFree(event.target) && isAdd(event)) {
    take(event);
    COMMANDS.add.run();
    return;
  }
  if (event.key === "Tab") pointed = false;
  const command = commandFor(event, allCommands());
  if (!command || (!command.everywhere && (typing || !isOnCanvas(event.target)))) return;
  take(event);
  command.run();
}

function take(event: KeyboardEvent) {
  event.preventDefault();
  event.stopPropagation();
}

function isAdd(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  return event.key === " " || (event.key === "Tab" && pointed);
}

function isBusy(): boolean {
  if (palette.getState().request) return true;
  return menus.getState().opened !== null || isAsked();
}

/** Nothing that a key would press or move has the focus. */
function isFree(target: EventTarget | null): boolean {
  return target instanceof Element && (target === document.body || target.matches(".canvas"));
}

/** Keys are the canvas's unless a panel beside it has the focus. */
function isOnCanvas(target: EventTarget | null): boolean {
  if (target === document.body) return true;
  return target instanceof Element && target.closest(".canvas, .top") !== null;
}

function onCopy(event: ClipboardEvent, cut: boolean) {
  if (isTyping(event.target) || !isOnCanvas(event.target) || window.getSelection()?.toString()) return;
  const text = clip();
  if (!text) return;
  event.clipboardData?.setData("text/plain", text);
  event.preventDefault();
  if (cut) removeChosen("cut");
}

function onPaste(event: ClipboardEvent) {
  if (isTyping(event.target) || !isOnCanvas(event.target)) return;
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!text) return;
  event.preventDefault();
  pasteText(text, shifted);
}
