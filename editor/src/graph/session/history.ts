/** Undo and redo: a document with the states it came through. */

import { same } from "../records";
import type { Workflow } from "../workflow";

interface Step {
  /** What the user did, for the menu: "Undo delete 2 nodes". */
  readonly label: string;
  /** The document on the other side of the step. */
  readonly other: Workflow;
  /** Steps in a row with one key are one step: arrow presses that move the same nodes. */
  readonly key: string | undefined;
  readonly time: number;
}

export interface History {
  readonly present: Workflow;
  readonly past: readonly Step[];
  readonly future: readonly Step[];
}

/** Milliseconds after which a step with the same key is a step of its own. */
const PAUSE = 1000;

export function startOf(present: Workflow): History {
  return { present, past: [], future: [] };
}

/** Go on to `next` as one step. Documents share what they have in common, so steps are small. */
export function record(
  history: History,
  label: string,
  next: Workflow,
  key?: string,
  time = 0,
  pause = PAUSE,
): History {
  if (next === history.present) return history;
  const last = history.past.at(-1);
  if (key !== undefined && last?.key === key && time - last.time < pause) {
    const earlier = history.past.slice(0, -1);
    // Typed and taken back while typing: as if it had not been.
    const past = same(next, last.other) ? earlier : [...earlier, { ...last, time }];
    return { present: next, past, future: [] };
  }
  const step = { label, other: history.present, key, time };
  return { present: next, past: [...history.past, step], future: [] };
}

export function undo(history: History): History {
  const step = history.past.at(-1);
  if (!step) return history;
  return {
    present: step.other,
    past: history.past.slice(0, -1),
    future: [...history.future, { ...step, other: history.present, key: undefined }],
  };
}

export function redo(history: History): History {
  const step = history.future.at(-1);
  if (!step) return history;
  return {
    present: step.other,
    past: [...history.past, { ...step, other: history.present, key: undefined }],
    future: history.future.slice(0, -1),
  };
}
