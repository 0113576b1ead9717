/** Folded nodes, and the document's `view` when nodes go or are renamed. */

import { own, same, without } from "../records";
import type { Workflow } from "../workflow";

const FOLDED = "#folded";

/** The nodes that are drawn with their header alone. */
export function foldedOf(workflow: Workflow): ReadonlySet<string> {
  const stored = own(workflow.view, FOLDED);
  return new Set(Array.isArray(stored) ? stored.filter((name) => typeof name === "string") : []);
}

export function withFolded(workflow: Workflow, names: Iterable<string>, folded: boolean): Workflow {
  const now = new Set(foldedOf(workflow));
  for (const name of names) {
    if (folded) now.add(name);
    else now.delete(name);
  }
  if (same([...now], [...foldedOf(workflow)])) return workflow;
  const view = without(workflow.view, new Set([FOLDED]));
  return { ...workflow, view: now.size ? { ...view, [FOLDED]: [...now] } : view };
}

/** What `view` says, without some nodes. */
export function viewWithout(
  view: Workflow["view"],
  names: ReadonlySet<string>,
): Workflow["view"] {
  return withFoldedNames(without(view, names), (name) => (names.has(name) ? [] : [name]));
}

/** What `view` says, with a node called otherwise. */
export function viewRenamed(view: Workflow["view"], old: string, name: string): Workflow["view"] {
  const renamed = Object.fromEntries(
    Object.entries(view).map(([key, value]) => [key === old ? name : key, value]),
  );
  return withFoldedNames(renamed, (folded) => [folded === old ? name : folded]);
}

function withFoldedNames(
  view: Workflow["view"],
  change: (name: string) => string[],
): Workflow["view"] {
  const stored = own(view, FOLDED);
  if (!Array.isArray(stored)) return view;
  const changed = (stored as readonly string[]).flatMap(change);
  if (changed.length === 0) return without(view, new Set([FOLDED]));
  return same(changed, stored) ? view : { ...view, [FOLDED]: changed };
}
