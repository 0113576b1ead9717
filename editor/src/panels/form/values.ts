/** Values of a form: entered or initial, and the problems at each. */

import { same } from "../../graph";
import type { Json, Problem, WorkflowDocument } from "../../server";
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

/**
 * The problems of each param, and those that belong to none. They are told at the param, or at one
 * of the inputs that it sets.
 */
export function sorted(
  problems: readonly Problem[],
  workflow: WorkflowDocument,
): { byField: Record<string, string[]>; rest: Problem[] } {
  const names = namesByAddress(workflow);
  const byField: Record<string, string[]> = {};
  const rest: Problem[] = [];
  for (const problem of problems) {
    const name = names.get(problem.address.replace(/\[\d+\]$/, ""));
    if (name === undefined) rest.push(problem);
    // A param that sets two inputs is told twice of the same mistake.
    else if (!byField[name]?.includes(problem.message)) (byField[name] ??= []).push(problem.message);
  }
  return { byField, rest };
}

/** The param of every address that may be told: its own, and those that it sets. */
function namesByAddress(workflow: WorkflowDocument): Map<string, string> {
  const { params = {} } = workflow as { params?: Record<string, { to?: string | string[] }> };
  return new Map(
    Object.entries(params).flatMap(([name, { to = [] }]) =>
      [`params.${name}`, name, ...[to].flat()].map((address) => [address, name] as const),
    ),
  );
}

/** The lines of a text, as rows: a whole list of prompts can be pasted at once. */
export function rowsIn(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
}
