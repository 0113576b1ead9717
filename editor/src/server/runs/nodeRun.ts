/** A drawn node in a run: the sum of the flat nodes it stands for. */

import type { ServerEvent } from "../types";
import {
  FRESH,
  heavier,
  partAfter,
  together,
  underWay,
  type NodeEvent,
  type Part,
  type Pictures,
} from "./part";

/** What a drawn node has done: a composite or a template is drawn as one and runs as several. */
export interface NodeRun extends Part {
  parts: Readonly<Record<string, Part>>;
}

export function isNodeEvent(event: ServerEvent): event is NodeEvent {
  return event.kind.startsWith("node.");
}

/** The node that is drawn: what stands before the first slash of `portrait/edges`. */
export function drawnName(address: string): string {
  return address.split("/", 1)[0] ?? address;
}

/** The node as it looks before a new run: only its pictures stay. */
export function renewed({ pictures }: NodeRun): NodeRun {
  return { ...FRESH, pictures, old: true, parts: {} };
}

/** The node after one more event about it or about a part of it. */
export function nodeAfter(before: NodeRun | undefined, event: NodeEvent): NodeRun {
  const { node } = event.data;
  const parts = { ...before?.parts, [node]: partAfter(before?.parts[node] ?? FRESH, event) };
  const sum = summary(Object.values(parts));
  const stays = before?.old && !Object.keys(sum.pictures).length;
  return { ...sum, ...(stays ? { pictures: before.pictures, old: true } : {}), parts };
}

/** The items that the flat nodes behind a drawn one have ended, and how much of others is done. */
export function workOf(node: NodeRun | undefined): { ended: number; underWay: number } {
  const parts = Object.values(node?.parts ?? {});
  return {
    ended: parts.reduce((sum, part) => sum + part.ended, 0),
    underWay: parts.reduce((sum, part) => sum + underWay(part), 0),
  };
}

function summary(parts: Part[]): Part {
  const most = Math.max(...parts.map((part) => part.ended));
  return {
    phase: parts.map((part) => part.phase).reduce(heavier),
    open: parts.reduce((sum, part) => sum + part.open, 0),
    ended: most,
    // A part with fewer items (one negative prompt for all) says nothing about the others.
    cached: Math.min(...parts.filter((part) => part.ended === most).map((part) => part.cached)),
    step: parts.findLast((part) => part.phase === "running" && part.step)?.step ?? null,
    steps: {},
    ends: {},
    seconds: parts.reduce((sum, part) => sum + part.seconds, 0),
    degraded: parts.map((part) => part.degraded).reduce(together),
    resumed: parts.map((part) => part.resumed).reduce(together),
    message: parts.find((part) => part.message !== null)?.message ?? null,
    pictures: Object.assign({}, ...parts.map((part) => part.pictures)) as Pictures,
    byItem: {},
    old: false,
  };
}
