/** One node of the flat graph in a run: its phase, items, steps and pictures, folded event by event. */

import { own } from "../../graph/records";
import type { EventData, ServerEvent } from "../types";

export type Phase = "waiting" | "running" | "cached" | "done" | "failed" | "skipped";

export type Pictures = Readonly<Record<string, readonly string[]>>;

export interface Step {
  readonly done: number;
  readonly total: number;
}

/** What one node of the flat graph has done in a run. */
export interface Part {
  phase: Phase;
  /** How many items are being worked on. */
  open: number;
  /** How many items have ended, and how many of those were known already. */
  ended: number;
  cached: number;
  /** Whether each item that has ended was known; a known one whose value is gone ends once more. */
  ends: Readonly<Record<string, boolean>>;
  /** Steps of what is running, as last told; null: it does not say. */
  step: Step | null;
  /** The same, by the items that are worked on together, and how many of those are open still. */
  steps: Readonly<Record<string, Step & { items: readonly number[] }>>;
  seconds: number;
  /** What was done otherwise than asked, for want of memory: `batch 2`, `tiled`. */
  degraded: readonly string[];
  /** Where items went on from what an earlier run had done: `at step 16 of 20`. */
  resumed: readonly string[];
  /** Why it failed or was skipped. */
  message: string | null;
  /** Small pictures of its outputs, by output, in the order of the items. */
  pictures: Pictures;
  /** The same, item by item; what has but one item has it under the empty name. */
  byItem: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** They are those of an earlier run: the first new one takes the place of them all. */
  old: boolean;
}

export type NodeEvent = Extract<ServerEvent, { kind: `node.${string}` }>;

/** A node about which nothing has been heard. */
export const FRESH: Part = {
  phase: "waiting",
  open: 0,
  ended: 0,
  cached: 0,
  ends: {},
  step: null,
  steps: {},
  seconds: 0,
  degraded: [],
  resumed: [],
  message: null,
  pictures: {},
  byItem: {},
  old: false,
};

export function partAfter(part: Part, event: NodeEvent): Part {
  switch (event.kind) {
    case "node.started":
      return started(part, Math.max(event.data.items.length, 1));
    case "node.progress":
      return stepped(part, event.data);
    case "node.cached":
      return { ...counted(part, event.data.items, true), phase: heavier(part.phase, "cached") };
    case "node.finished":
      return ended(finished(part, event.data), "done", event.data.items);
    case "node.failed":
      return { ...ended(part, "failed", event.data.items), message: event.data.message };
    case "node.skipped":
      return {
        ...ended(part, "skipped", event.data.items),
        message: `not run: ${event.data.because} failed`,
      };
    case "node.result":
      return pictured(part, event.data);
    default: // of a newer server
      return part;
  }
}

// What happened to any item stays visible: the most telling phase wins over milder ones.
const WEIGHT: Record<Phase, number> = {
  failed: 5,
  skipped: 4,
  running: 3,
  done: 2,
  cached: 1,
  waiting: 0,
};

function started(part: Part, items: number): Part {
  return { ...part, phase: heavier(part.phase, "running"), open: part.open + items, step: null };
}

function stepped(part: Part, { items, done, total }: EventData["node.progress"]): Part {
  const steps = { ...part.steps, [items.join(",")]: { done, total, items } };
  return { ...part, phase: heavier(part.phase, "running"), step: { done, total }, steps };
}

/** How much of what runs is done already, in items. */
export function underWay({ steps }: Part): number {
  return Object.values(steps).reduce(
    (sum, { done, total, items }) => sum + (total > 0 ? Math.max(items.length, 1) * (done / total) : 0),
    0,
  );
}

/** The steps of what runs still, after some items have ended. */
function stepsWithout(steps: Part["steps"], items: readonly number[]): Part["steps"] {
  const left = Object.entries(steps).flatMap(([key, step]) => {
    const open = step.items.filter((item) => !items.includes(item));
    return open.length > 0 ? [[key, { ...step, items: open }] as const] : [];
  });
  return Object.fromEntries(left);
}

/** Several items that were known are told at once; what has but one item has it under no name. */
function counted(part: Part, items: readonly number[], known: boolean): Part {
  const ends = { ...part.ends };
  let { ended, cached } = part;
  for (const item of items.length > 0 ? items.map(String) : [""]) {
    const before = own(ends, item);
    ended += before === undefined ? 1 : 0;
    cached += Number(known) - Number(before === true);
    ends[item] = known;
  }
  return { ...part, ends, ended, cached };
}

function finished(part: Part, { seconds, degraded = [], resumed }: EventData["node.finished"]): Part {
  return {
    ...part,
    seconds: part.seconds + seconds,
    degraded: together(part.degraded, degraded),
    resumed: together(part.resumed, resumed ? [resumed] : []),
  };
}

export function together(before: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...before, ...more])];
}

function pictured(part: Part, { output, items, assets }: EventData["node.result"]): Part {
  const item = { ...part.byItem[output], [items.join(",")]: assets };
  const inOrder = Object.keys(item).sort((left, right) =>
    left.localeCompare(right, "en", { numeric: true }),
  );
  const pictures = inOrder.flatMap((name) => item[name] ?? []);
  return {
    ...part,
    byItem: { ...part.byItem, [output]: item },
    pictures: { ...part.pictures, [output]: pictures },
  };
}

function ended(part: Part, phase: Phase, items: readonly number[]): Part {
  const open = Math.max(part.open - 1, 0);
  const before = part.phase === "running" && open === 0 ? settled(part) : part.phase;
  const step = open ? part.step : null;
  const steps = stepsWithout(part.steps, items);
  return { ...counted(part, items, false), phase: heavier(before, phase), open, step, steps };
}

/** The phase of the items that have ended, when nothing runs any more. */
function settled(part: Part): Phase {
  if (part.ended === 0) return "waiting";
  return part.cached === part.ended ? "cached" : "done";
}

export function heavier(left: Phase, right: Phase): Phase {
  return WEIGHT[left] >= WEIGHT[right] ? left : right;
}
