/** Key presses: whether one is the key that is written so, and how that key is labelled. */

/** The part of a keyboard event that counts. */
export type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">;

const isMac = /Mac|iP(hone|ad)/.test(globalThis.navigator?.platform ?? "");

/** Whether a press is the key that is written so. */
export function isPress(press: Press, written: string): boolean {
  const parts = written === "+" ? ["+"] : written.split("+");
  const key = parts.at(-1) ?? "";
  const mod = press.ctrlKey || press.metaKey;
  if (mod !== parts.includes("Mod") || press.altKey) return false;
  const pressed = press.key === " " ? "Space" : press.key;
  if (pressed.toLowerCase() !== key.toLowerCase()) return false;
  // Where a sign is on the keyboard, and whether it takes Shift, is the layout's affair.
  const isSign = key.length === 1 && !/[a-z0-9]/i.test(key);
  return isSign || press.shiftKey === parts.includes("Shift");
}

/** A key as it is labelled on the user's keyboard. */
export function spelledKeys(written: string): string {
  if (written === "+") return "+";
  const names = isMac ? { Mod: "⌘", Shift: "⇧" } : { Mod: "Ctrl", Shift: "Shift" };
  return written
    .split("+")
    .map((part) => (names as Record<string, string>)[part] ?? (part === "Delete" ? "Del" : part))
    .join(isMac ? "" : " + ");
}

const NO_TEXT = ["checkbox", "radio", "range", "color", "file", "button", "submit", "reset", "image", "hidden"];

/** Whether texts are typed into an element. */
export function isTextField(element: EventTarget | null): element is HTMLInputElement | HTMLTextAreaElement {
  if (element instanceof HTMLTextAreaElement) return true;
  return element instanceof HTMLInputElement && !NO_TEXT.includes(element.type);
}

/** Whether the browser should have the key: somebody types, or a control is in use. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "range", "button"].includes(target.type);
  return target.matches("textarea, select, [contenteditable]") || target.closest("dialog") !== null;
}

/** Whether a dialog waits for an answer. A live list is kept by the browser: nothing is sought among the nodes. */
export function isAsked(): boolean {
  return [...document.getElementsByTagName("dialog")].some(({ open }) => open);
}

/** The code of keys that an input method took for itself; Safari says no more of the last one. */
const TAKEN = 229;

/**
 * Let nobody on the page hear of keys that compose a character, before all who listen: they choose, leave and
 * submit nothing, in whatever field. Returns how to stop.
 */
export function keepCompositions(): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === TAKEN) event.stopImmediatePropagation();
  };
  window.addEventListener("keydown", onKey, { capture: true });
  return () => window.removeEventListener("keydown", onKey, { capture: true });
}
