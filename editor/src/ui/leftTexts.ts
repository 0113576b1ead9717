/**
 * Texts that were typed into a dialog which was closed without an answer. Asked again, it offers them:
 * Escape, or a click beside the dialog, loses nothing.
 */

import { useState } from "react";

const texts = new Map<string, string>();

/**
 * A text under a key: what was left there (null: nothing), how to change it, and how to be done with it.
 * Under an empty key nothing is left.
 */
export function useLeftText(key: string): [string | null, (text: string) => void, () => void] {
  const [typed, setTyped] = useState(() => texts.get(key) ?? null);
  const type = (text: string) => {
    if (key) texts.set(key, text);
    setTyped(text);
  };
  return [typed, type, () => texts.delete(key)];
}
