/** Runs of the document that is shown: queued, followed, cancelled. */

import { useStore } from "zustand";

import { leaveField } from "../ui/useField";
import { explainAgain } from "../card/checks";
import { noteRun } from "../card/lastRun";
import {
  editor,
  find,
  kindsNow,
  present,
  setJob,
  shown,
  titleOf,
  toDocument,
  upTo,
  useEditor,
  withParams,
  type Json,
  type Workflow,
} from "../graph";
import { api, follow, isOver, run, runOptions, runs, sentence, ServerError, unfollow } from "../server";
import { jobs, learnJob, type JobsState } from "../server/jobs";
import { say } from "../ui/say";
import { noteQueued, queued, settleQueued, toCancel, toFollow } from "./queued";

/** Queue the whole workflow. */
export async function runAll() {
  leaveField();
  await queue(present());
}

/** Queue only what is chosen and what it depends on: a try, whose pictures are kept apart. */
export async function runChosen() {
  leaveField();
  const chosen = [...(shown()?.selected ?? [])];
  if (chosen.length === 0) say("Choose the nodes to run to first.");
  else await queue(upTo(present(), chosen, kindsNow()), true);
}

/** Cancel what runs of this document; where nothing does, what waits first. */
export async function cancelRun() {
  const job = cancelled();
  if (job === null) return;
  await learnJob(api.cancelJob(job)).catch((error: unknown) => say(`not cancelled: ${sentence(error)}`));
}

/** The job that Cancel is about; null: there is none, or it is being cancelled. */
export function cancelled(): string | null {
  const { run: now, chosen } = runs.getState();
  return toCancel(mine(), now, chosen, jobs.getState());
}

export function useCancelled(): string | null {
  useStore(runs, ({ run: now }) => `${now.job} ${now.state} ${now.cancelling}`);
  useStore(jobs);
  useStore(queued);
  useEditor((state) => state.active);
  return cancelled();
}

/** The ids of the jobs that the shown document has queued. */
function mine(): readonly string[] {
  return queued.getState().byDocument[editor.getState().active] ?? [];
}

async function queue(workflow: Workflow, trial = false) {
  const document = shown();
  if (!document) return;
  const then = present();
  try {
    const job = await run({ workflow: toDocument(workflow), title: titleOf(document), trial });
    began(document.id, job.id, then);
  } catch (error) {
    const problems = error instanceof ServerError ? error.problems : [];
    const first = problems[0];
    say(first ? `Not run: ${first.address}: ${first.message}` : `Not run: ${sentence(error)}`);
  }
}

/** Note a job that a form queued, with what was entered there. */
export function formRan(document: string, job: string, params: Readonly<Record<string, Json>>) {
  began(document, job, withParams(present(), params));
}

function began(document: string, job: string, workflow: Workflow) {
  noteRun(job, workflow);
  runs.setState({ chosen: false });
  // One whose values are all known may be over before its answer is here: then nothing of it is due.
  setJob(document, job);
  noteQueued(document, job);
}

/**
 * Show the course of what the shown document has queued: of the job that runs, else of the one that
 * waits first, else of the last. A job that was chosen in the queue stays shown.
 */
export function followShown(): () => void {
  let active = "";
  const look = () => {
    const state = editor.getState();
    const isOther = state.active !== active;
    active = state.active;
    const { run: now, chosen, gone } = runs.getState();
    if (chosen && !isOther) return;
    const last = find(state, active)?.job ?? null;
    const kept = last !== null && gone.has(last) ? null : last;
    const job = toFollow(mine(), kept, jobs.getState());
    setJob(active, job);
    if (job === now.job) return;
    if (job === null) unfollow();
    else void follow(job, !isOther);
  };
  look();
  const stops = [
    editor.subscribe((now, before) => now.active !== before.active && look()),
    queued.subscribe(look),
    runs.subscribe((now, before) => now.gone !== before.gone && look()),
    jobs.subscribe((now) => {
      look();
      settleQueued(now);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Milliseconds in which what ends together is asked about once. */
const SOON = 200;

/** After any run, and under other options, more or less is known: the badges are asked for anew. */
export function explainAfterRuns(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void explainAgain(), SOON);
  };
  const stops = [
    jobs.subscribe((now, before) => now.jobs !== before.jobs && anyEnded(now, before) && soon()),
    runOptions.subscribe(soon),
  ];
  return () => {
    stops.forEach((stop) => stop());
    clearTimeout(timer);
  };
}

function anyEnded({ jobs: now }: JobsState, { jobs: before }: JobsState): boolean {
  return Object.values(before).some(({ id, state }) => {
    const later = now[id];
    return later !== undefined && !isOver(state) && isOver(later.state);
  });
}
