/** Runs of the document that is shown: queued, followed, cancelled. */

import { leaveField } from "../ui/useField";
import { explainAgain } from "../card/checks";
import { ran } from "../card/lastRun";
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
  type Workflow,
} from "../graph";
import { api, follow, run, runs, sentence, ServerError, unfollow } from "../server";
import { say } from "../ui/say";

/** Queue the whole workflow. */
export async function runAll() {
  leaveField();
  await queue(present());
}

/** Queue only what is chosen and what it depends on. */
export async function runChosen() {
  leaveField();
  const chosen = [...(shown()?.selected ?? [])];
  if (chosen.length === 0) say("Choose the nodes to run to first.");
  else await queue(upTo(present(), chosen, kindsNow()));
}

export async function cancelRun() {
  const { job } = runs.getState().run;
  if (job === null) return;
  await api.cancelJob(job).catch((error: unknown) => say(`not cancelled: ${sentence(error)}`));
}

async function queue(workflow: Workflow) {
  const document = shown();
  if (!document) return;
  const then = present();
  try {
    const title = titleOf(document);
    const job = await run({ workflow: toDocument(workflow), title, before: document.job });
    setJob(document.id, job.id);
    ran.setState({ job: job.id, workflow: then });
  } catch (error) {
    const problems = error instanceof ServerError ? error.problems : [];
    const first = problems[0];
    say(first ? `Not run: ${first.address}: ${first.message}` : `Not run: ${sentence(error)}`);
  }
}

/** Show the course of the job that the shown document was run as, whichever document that is. */
export function followShown(): () => void {
  let active = "";
  const look = () => {
    const state = editor.getState();
    if (state.active === active) return;
    active = state.active;
    const job = find(state, active)?.job ?? null;
    if (job === null) unfollow();
    else void follow(job);
  };
  look();
  return editor.subscribe(look);
}

/** After a run more is known: the marks of what is cached are asked for anew. */
export function explainAfterRuns(): () => void {
  return runs.subscribe(({ run: now }, { run: before }) => {
    const over = now.state === "done" || now.state === "failed" || now.state === "cancelled";
    if (over && before.state !== now.state) void explainAgain();
  });
}
