/** Rectangles round nodes, and the frames that are drawn so. */

import type { Sizes } from "./sizes";
import { moved, placeOf, rounded, type Place } from "./places";
import { framesOf, withFrames, type Frame } from "./frames";
import type { Workflow } from "../workflow";

export interface Box {
  readonly at: Place;
  readonly size: Place;
}

/** The rectangle round some nodes. */
export function boxOf(workflow: Workflow, names: readonly string[], sizes: Sizes): Box | null {
  const boxes = names.flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [{ place, size: sizes(name) }] : [];
  });
  if (boxes.length === 0) return null;
  const left = Math.min(...boxes.map(({ place }) => place[0]));
  const top = Math.min(...boxes.map(({ place }) => place[1]));
  const right = Math.max(...boxes.map(({ place, size }) => place[0] + size[0]));
  const bottom = Math.max(...boxes.map(({ place, size }) => place[1] + size[1]));
  return { at: [left, top], size: [right - left, bottom - top] };
}

/** The frame that leaves some room round a box, and more above it for the title. */
export function framed({ at, size }: Box): Box {
  return {
    at: rounded([at[0] - 24, at[1] - 48]),
    size: rounded([size[0] + 48, size[1] + 72]),
  };
}

/** The nodes whose middle lies in a frame: they belong to it. */
export function membersOf(workflow: Workflow, frame: Frame, sizes: Sizes): string[] {
  const [left, top] = frame.at;
  const [width, height] = frame.size;
  return Object.keys(workflow.nodes).filter((name) => {
    const place = placeOf(workflow, name);
    if (!place) return false;
    const [x, y] = [place[0] + sizes(name)[0] / 2, place[1] + sizes(name)[1] / 2];
    return x > left && x < left + width && y > top && y < top + height;
  });
}

/** Put nodes elsewhere, and draw each frame anew round those that belonged to it. */
export function movedInFrames(
  workflow: Workflow,
  places: Readonly<Record<string, Place>>,
  sizes: Sizes,
): Workflow {
  const next = moved(workflow, places);
  const frames = framesOf(workflow).map((frame) => {
    const members = membersOf(workflow, frame, sizes);
    const box = members.length ? boxOf(next, members, sizes) : null;
    return box ? { ...frame, ...framed(box) } : frame;
  });
  return withFrames(next, frames);
}
