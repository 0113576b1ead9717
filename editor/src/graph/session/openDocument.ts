/** A document that is open: where it came from, its undo, and what is chosen in it. */

import type { History } from "./history";
import { same } from "../records";
import { framesOf } from "../view/frames";
import { EMPTY, type Workflow } from "../workflow";

export interface OpenDocument {
  readonly id: string;
  /** What the server keeps it as; null for one that was never saved. */
  readonly name: string | null;
  /** The version that was opened or saved, which the next save replaces. */
  readonly version: string | null;
  /** It came with the program: saving it makes a copy. */
  readonly shipped: boolean;
  /** As the server has it; null for one that was never saved. */
  readonly saved: Workflow | null;
  readonly history: History;
  readonly selected: ReadonlySet<string>;
  /** The job that was last run from it. */
  readonly job: string | null;
}

export function isDirty(document: OpenDocument): boolean {
  const { present } = document.history;
  if (document.saved === null) return !isBlank(present);
  return present !== document.saved && !same(present, document.saved);
}

/** Whether nothing has been drawn in it, or nothing is left. */
export function isBlank(workflow: Workflow): boolean {
  return same({ ...workflow, view: {} }, EMPTY) && framesOf(workflow).length === 0;
}

/** A document's name for its tab. */
export function titleOf(document: OpenDocument): string {
  return document.history.present.title || document.name || "Untitled";
}

/** Undo may have taken away what was chosen. */
export function existing({ selected, history }: OpenDocument): ReadonlySet<string> {
  const there = [...selected].filter((name) => Object.hasOwn(history.present.nodes, name));
  return there.length === selected.size ? selected : new Set(there);
}
