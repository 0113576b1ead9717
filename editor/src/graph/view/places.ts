/** Places of nodes, kept in the document's `view`: they change no result. */

import { own, same } from "../records";
import type { Json, Workflow } from "../workflow";

export type Place = readonly [x: number, y: number];

export function placeOf(workflow: Workflow, name: string): Place | undefined {
  return asPlace(own(workflow.view, name));
}

/** Put nodes elsewhere. */
export function moved(workflow: Workflow, places: Readonly<Record<string, Place>>): Workflow {
  const changed = Object.entries(places).filter(
    ([name, place]) => !same(placeOf(workflow, name), rounded(place)),
  );
  if (changed.length === 0) return workflow;
  const view = { ...workflow.view };
  for (const [name, place] of changed) view[name] = rounded(place) as readonly number[];
  return { ...workflow, view };
}

export function rounded([x, y]: Place): Place {
  // Adding 0 turns -0 into 0, which JSON would do too.
  return [Math.round(x) + 0, Math.round(y) + 0];
}

/** The places of those nodes that have one. */
export function placesOf(workflow: Workflow, names: Iterable<string>): Place[] {
  return [...names].flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [place] : [];
  });
}

/** The upper left of the rectangle round several places. */
export function cornerOf(places: readonly Place[]): Place {
  return [Math.min(...places.map(([x]) => x)), Math.min(...places.map(([, y]) => y))];
}

/** The middle of several places, in whole pixels. */
export function middleOf(places: readonly Place[]): Place {
  if (places.length === 0) return [0, 0];
  const mean = (axis: 0 | 1) => places.reduce((sum, place) => sum + place[axis], 0) / places.length;
  return rounded([mean(0), mean(1)]);
}

export function asPlace(stored: Json | undefined): Place | undefined {
  if (!Array.isArray(stored)) return undefined;
  const [x, y] = stored as readonly Json[];
  return Number.isFinite(x) && Number.isFinite(y) ? [x as number, y as number] : undefined;
}
