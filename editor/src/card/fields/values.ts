/** Values of a control: read from its text, brought within limits, written as JSON, and one to begin with. */

import type { Json } from "../../graph";
import type { NumberWidget, Widget } from "./widgets";

/** The value of a number field's text: null for an empty one, undefined for what is no number. */
export function numberOf(text: string, widget: NumberWidget): number | null | undefined {
  if (text.trim() === "") return null;
  const value = Number(text.trim().replace(",", "."));
  if (!Number.isFinite(value)) return undefined;
  return widget.integer ? Math.round(value) : value;
}

/** Bring a number within its limits. */
export function limited(value: number, { minimum, maximum }: NumberWidget): number {
  return Math.min(Math.max(value, minimum ?? -Infinity), maximum ?? Infinity);
}

/** The value that a text of a field for anything stands for. */
export function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** How a value is written in a field for anything: a text that reads as JSON needs its quotes. */
export function jsonText(value: Json): string {
  if (typeof value !== "string") return JSON.stringify(value);
  return typeof jsonOf(value) === "string" && !value.startsWith('"') ? value : JSON.stringify(value);
}

/** A new seed: the hub's models take 32 bits. */
export function dice({ minimum = 0, maximum = 2 ** 32 - 1 }: NumberWidget): number {
  const [bits = 0] = crypto.getRandomValues(new Uint32Array(1));
  return minimum + (bits % (Math.min(maximum, 2 ** 32 - 1) - minimum + 1));
}

/** A value to begin a row with. */
export function emptyValue(widget: Widget): Json {
  switch (widget.kind) {
    case "number":
      return limited(0, widget);
    case "toggle":
      return false;
    case "choice":
      return widget.options[0] ?? null;
    case "colour":
      return "#ffffff";
    case "wire":
      return null;
    case "text":
    case "model":
    case "path":
    case "json":
      return "";
  }
}
