/** Entered values of forms, stored in the browser. */

import type { Entered } from "./values";

const keyOf = (form: string) => `nodegraph.form.${form}`;

export function readEntered(form: string): Entered {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyOf(form)) ?? "{}");
    return typeof stored === "object" && stored !== null ? (stored as Entered) : {};
  } catch {
    return {};
  }
}

export function keepEntered(form: string, entered: Entered): void {
  try {
    localStorage.setItem(keyOf(form), JSON.stringify(entered));
  } catch {
    // a full or forbidden storage only means that a reload forgets
  }
}

/** A param is called otherwise: what was entered for it is there under both names, for undo. */
export function carryEntered(form: string, old: string, name: string): void {
  const entered = readEntered(form);
  const value = entered[old];
  if (value !== undefined) keepEntered(form, { ...entered, [name]: value });
}
