import type { Json, Problem } from "../../server";
import type { FormField } from "./fields";

/** What was entered, by param; what was left as it was is missing. */
export type Entered = Readonly<Record<string, Json>>;

/** What a field shows. */
export function valueOf(field: FormField, entered: Entered): Json | undefined {
  return Object.hasOwn(entered, field.name) ? entered[field.name] : field.initial;
}

/** Only what differs from the workflow's own values is sent, so that its defaults stay its own. */
export function changed(fields: readonly FormField[], entered: Entered): Record<string, Json> {
  const sent: Record<string, Json> = {};
  for (const field of fields) {
    const value = entered[field.name];
    if (value !== undefined && !same(value, field.initial)) sent[field.name] = value;
  }
  return sent;
}

/** The problems of each param, and those that belong to none. */
export function sorted(
  problems: readonly Problem[],
  fields: readonly FormField[],
): { byField: Record<string, string[]>; rest: Problem[] } {
  const byField: Record<string, string[]> = {};
  const rest: Problem[] = [];
  for (const problem of problems) {
    const name = problem.address.replace(/^params\./, "");
    if (fields.some((field) => field.name === name)) (byField[name] ??= []).push(problem.message);
    else rest.push(problem);
  }
  return { byField, rest };
}

/** The lines of a text, as rows: a whole list of prompts can be pasted at once. */
export function rowsIn(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
