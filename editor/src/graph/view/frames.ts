/** Frames: titled rectangles behind nodes, kept in the document's `view`. */

import { own, same, without } from "../records";
import type { Json, Workflow } from "../workflow";
import { asPlace, rounded, type Place } from "./places";

/** A titled rectangle behind nodes; what lies in it moves along. */
export interface Frame {
  readonly id: string;
  readonly title: string;
  readonly at: Place;
  readonly size: Place;
}

/** No node can be called so: what else `view` holds cannot be mistaken for a node's place. */
const FRAMES = "#frames";

export function framesOf(workflow: Workflow): readonly Frame[] {
  const stored = own(workflow.view, FRAMES);
  if (!Array.isArray(stored)) return [];
  return (stored as readonly Json[]).flatMap((frame) => readFrame(frame) ?? []);
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
  const frames = framesOf(workflow).map((frame) => (frame.id === id ? { ...frame, ...change } : frame));
  return withFrames(workflow, frames);
}

/** Draw a frame round a rectangle. */
export function addFrame(workflow: Workflow, title: string, at: Place, size: Place): Workflow {
  const frames = framesOf(workflow);
  const used = new Set(frames.map((frame) => frame.id));
  let number = frames.length + 1;
  while (used.has(`frame ${number}`)) number++;
  const frame = { id: `frame ${number}`, title, at: rounded(at), size: rounded(size) };
  return withFrames(workflow, [...frames, frame]);
}

function readFrame(stored: Json): Frame | undefined {
  if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return undefined;
  const { id, title, at, size } = stored as Record<string, Json>;
  const [place, extent] = [asPlace(at), asPlace(size)];
  if (typeof id !== "string" || !place || !extent) return undefined;
  return { id, title: typeof title === "string" ? title : "", at: place, size: extent };
}
