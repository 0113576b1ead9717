/** Where nodes and frames are drawn; it is kept in the document's `view` and changes no result. */

import { own, same, without, type Json, type Workflow } from "../workflow";

export type Place = readonly [x: number, y: number];

/** A titled rectangle behind nodes; what lies in it moves along. */
export interface Frame {
  readonly id: string;
  readonly title: string;
  readonly at: Place;
  readonly size: Place;
}

/** No node can be called so: what else `view` holds cannot be mistaken for a node's place. */
const FRAMES = "#frames";
const FOLDED = "#folded";

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

export function framesOf(workflow: Workflow): readonly Frame[] {
  const stored = own(workflow.view, FRAMES);
  if (!Array.isArray(stored)) return [];
  return (stored as readonly Json[]).flatMap((one) => readFrame(one) ?? []);
}

export function withFrames(workflow: Workflow, frames: readonly Frame[]): Workflow {
  if (same(frames, framesOf(workflow))) return workflow;
  if (frames.length === 0) {
    return { ...workflow, view: without(workflow.view, new Set([FRAMES])) };
  }
  const stored = frames.map(({ id, title, at, size }) => ({ id, title, at, size }));
  return { ...workflow, view: { ...workflow.view, [FRAMES]: stored as unknown as Json } };
}

/** Change one frame. */
export function withFrame(workflow: Workflow, id: string, change: Partial<Frame>): Workflow {
  const frames = framesOf(workflow).map((one) => (one.id === id ? { ...one, ...change } : one));
  return withFrames(workflow, frames);
}

/** Draw a frame round a rectangle. */
export function addFrame(workflow: Workflow, title: string, at: Place, size: Place): Workflow {
  const frames = framesOf(workflow);
  const used = new Set(frames.map((one) => one.id));
  let number = frames.length + 1;
  while (used.has(`frame ${number}`)) number++;
  const frame = { id: `frame ${number}`, title, at: rounded(at), size: rounded(size) };
  return withFrames(workflow, [...frames, frame]);
}

/** The nodes that are drawn with their header alone. */
export function foldedOf(workflow: Workflow): ReadonlySet<string> {
  const stored = own(workflow.view, FOLDED);
  return new Set(Array.isArray(stored) ? stored.filter((one) => typeof one === "string") : []);
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
  return withFoldedNames(without(view, names), (one) => (names.has(one) ? [] : [one]));
}

/** What `view` says, with a node called otherwise. */
export function viewRenamed(view: Workflow["view"], old: string, name: string): Workflow["view"] {
  const renamed = Object.fromEntries(
    Object.entries(view).map(([key, value]) => [key === old ? name : key, value]),
  );
  return withFoldedNames(renamed, (one) => [one === old ? name : one]);
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

export function rounded([x, y]: Place): Place {
  // Adding 0 turns -0 into 0, which JSON would do too.
  return [Math.round(x) + 0, Math.round(y) + 0];
}

/** The middle of several places, in whole pixels. */
export function middleOf(places: readonly Place[]): Place {
  if (places.length === 0) return [0, 0];
  const mean = (axis: 0 | 1) => places.reduce((sum, one) => sum + one[axis], 0) / places.length;
  return rounded([mean(0), mean(1)]);
}

function asPlace(stored: Json | undefined): Place | undefined {
  if (!Array.isArray(stored)) return undefined;
  const [x, y] = stored as readonly Json[];
  return Number.isFinite(x) && Number.isFinite(y) ? [x as number, y as number] : undefined;
}

function readFrame(stored: Json): Frame | undefined {
  if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return undefined;
  const { id, title, at, size } = stored as Record<string, Json>;
  const [place, extent] = [asPlace(at), asPlace(size)];
  if (typeof id !== "string" || !place || !extent) return undefined;
  return { id, title: typeof title === "string" ? title : "", at: place, size: extent };
}
