/** Checks of the workflow that is shown: the server is asked whenever it has changed. */

import { createStore } from "zustand";

import { editor, present, toDocument, type Workflow } from "../graph";
import { api, explain, type Explanation, type Problem } from "../server";

interface Checks {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** By the node that is drawn, what of it is known already and why the rest is not. */
  readonly lines: Explanation;
}

const NOTHING: Checks = { problems: [], warnings: [], lines: {} };

export const checks = createStore<Checks>()(() => NOTHING);

/** Milliseconds without a change before the server is asked. */
const PAUSE = 250;

/** Ask the server about every state of the document that lasts a moment. Returns how to stop. */
export function watchChecks(): () => void {
  let asked: Workflow | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let answer: AbortController | undefined;
  const look = () => {
    const workflow = present();
    if (workflow === asked) return;
    asked = workflow;
    clearTimeout(timer);
    answer?.abort();
    answer = new AbortController();
    const { signal } = answer;
    timer = setTimeout(() => void ask(workflow, signal), PAUSE);
  };
  look();
  const forget = editor.subscribe(look);
  return () => {
    forget();
    clearTimeout(timer);
    answer?.abort();
  };
}

/** Ask again about what is shown: after a run, more of it is known. */
export async function explainAgain() {
  await expect(present(), new AbortController().signal);
}

async function ask(workflow: Workflow, signal: AbortSignal) {
  if (Object.keys(workflow.nodes).length === 0) {
    checks.setState(NOTHING);
    return;
  }
  try {
    const { problems, warnings } = await api.check(toDocument(workflow), undefined, signal);
    if (signal.aborted) return;
    checks.setState({ problems, warnings });
    if (problems.length === 0) await expect(workflow, signal);
    else checks.setState({ lines: {} });
  } catch {
    // A lost connection has its own banner, and an old mark is better than none.
  }
}

async function expect(workflow: Workflow, signal: AbortSignal) {
  const lines = await explain(toDocument(workflow), signal).catch(() => null);
  if (lines && !signal.aborted && present() === workflow) checks.setState({ lines });
}
