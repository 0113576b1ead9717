/** The store of the run that is shown, with the previews of its nodes. */

import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";

import { jobEvents } from "../api";
import { drawnName } from "./nodeRun";
import type { Preview } from "../socket/previews";
import { NO_RUN, type Run, runAfter, runOf } from "./run";
import type { ServerEvent } from "../types";

/** By item, as `0`; a node that has but one item has it under the empty name. */
type Previews = Readonly<Record<string, string>>;

interface RunsState {
  run: Run;
  /** Addresses of the newest preview pictures, by drawn node and by item. */
  previews: Readonly<Record<string, Previews>>;
}

/** The run that the canvas shows. Apart from the document, so that progress redraws one node. */
export const runs = createStore<RunsState>(() => ({ run: NO_RUN, previews: {} }));

/** The newest preview of each item of a node, as addresses for `<img>`. */
export function useNodePreviews(name: string): Previews | undefined {
  return useStore(runs, (state) => state.previews[name]);
}

/** The whole run: for bars and titles, not for nodes. */
export function useRun(): Run {
  return useStore(runs, (state) => state.run);
}

// Events of the job to be shown that came while its history was still being read.
let early: ServerEvent[] | null = null;

/**
 * Show the course of this job from its first event on; also of one that is long over. A new run of
 * the same graph may `keep` the pictures of the one before until it has its own.
 */
export async function follow(job: string, keep = false): Promise<void> {
  const mine: ServerEvent[] = [];
  early = mine;
  clearPreviews();
  runs.setState(({ run }) => ({ run: runOf(job, keep ? run : NO_RUN) }));
  const history = await historyOf(job).catch(() => []);
  if (early !== mine) return; // another one is followed by now
  early = null;
  const last = history.at(-1)?.seq ?? 0;
  const all = [...history, ...mine.filter((event) => event.seq > last)];
  runs.setState(({ run }) => ({ run: all.reduce(runAfter, run) }));
}

/** Show no run, as for another document. */
export function unfollow(): void {
  early = null;
  clearPreviews();
  runs.setState({ run: NO_RUN });
}

/** Take an event from the websocket. */
export function hearRunEvent(event: ServerEvent): void {
  const { run } = runs.getState();
  if (event.job === null || event.job !== run.job) return;
  if (early) {
    early.push(event);
    return;
  }
  runs.setState({ run: runAfter(run, event) });
  if (event.kind === "node.result") dropPreviews(drawnName(event.data.node));
  if (["job.done", "job.failed", "job.cancelled"].includes(event.kind)) clearPreviews();
}

/** Take a preview from the websocket: the one before it is given back to the browser. */
export function hearPreview({ header, jpeg }: Preview): void {
  const { run, previews } = runs.getState();
  if (header.job !== run.job) return;
  const name = drawnName(header.node);
  const item = header.items.join(",");
  const url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
  const old = previews[name]?.[item];
  runs.setState({ previews: { ...previews, [name]: { ...previews[name], [item]: url } } });
  revoke(old);
}

function dropPreviews(name: string): void {
  const { [name]: dropped, ...previews } = runs.getState().previews;
  if (dropped === undefined) return;
  runs.setState({ previews });
  Object.values(dropped).forEach(revoke);
}

function clearPreviews(): void {
  const { previews } = runs.getState();
  runs.setState({ previews: {} });
  Object.values(previews).flatMap((items) => Object.values(items)).forEach(revoke);
}

function revoke(url: string | undefined): void {
  if (url !== undefined) URL.revokeObjectURL(url);
}

async function historyOf(job: string): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for (let next: number | null = 0; next !== null; ) {
    const page: { events: ServerEvent[]; next: number | null } = await jobEvents(job, next);
    events.push(...page.events);
    next = page.next;
  }
  return events;
}
