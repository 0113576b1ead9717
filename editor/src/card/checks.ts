/** Checks of the workflow that is shown: the server is asked whenever it has changed. */

import { createStore } from "zustand";

import { editor, present, toDocument, type Workflow } from "../graph";
import { api, connection, explain, type Explanation, type Problem } from "../server";

export interface Checks {
  /** The workflow that was checked; null: none yet. Another one than is shown: a check is due. */
  readonly about: Workflow | null;
  /** The server did not answer the last check. */
  readonly unanswered: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** Outputs that are results because the workflow names none, by name. */
  readonly ends: Readonly<Record<string, string>>;
  /** The workflow that `lines` are about; where it is not the one shown, they may lag behind. */
  readonly explained: Workflow | null;
  /** By the node that is drawn, what of it is known already and why the rest is not. */
  readonly lines: Explanation;
}

const NOTHING: Checks = {
  about: null,
  unanswered: false,
  problems: [],
  warnings: [],
  ends: {},
  explained: null,
  lines: {},
};

export const checks = createStore<Checks>()(() => NOTHING);

/** Milliseconds without a change before the server is asked. */
const PAUSE = 250;

/** Ask the server about every state of the document that lasts a moment. Returns how to stop. */
export function watchChecks(): () => void {
  let asked: Workflow | null = null;
  let active = editor.getState().active;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let answer: AbortController | undefined;
  const look = () => {
    const workflow = present();
    if (workflow === asked) return;
    asked = workflow;
    if (editor.getState().active !== active) {
      active = editor.getState().active;
      checks.setState(NOTHING); // another document's marks say nothing of this one
    }
    clearTimeout(timer);
    answer?.abort();
    answer = new AbortController();
    const { signal } = answer;
    timer = setTimeout(() => void ask(workflow, signal), PAUSE);
  };
  look();
  const stops = [
    editor.subscribe(look),
    connection.subscribe(({ now }) => {
      if (now.state !== "open" || !checks.getState().unanswered) return;
      asked = null; // what could not be asked is asked now
      look();
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    clearTimeout(timer);
    answer?.abort();
  };
}

/** Ask again about what is shown: after a run, more of it is known. */
export async function explainAgain() {
  if (checks.getState().problems.length > 0) return;
  await expect(present(), new AbortController().signal);
}

async function ask(workflow: Workflow, signal: AbortSignal) {
  if (Object.keys(workflow.nodes).length === 0) {
    checks.setState({ ...NOTHING, about: workflow });
    return;
  }
  try {
    const { problems, warnings, ends } = await api.check(toDocument(workflow), undefined, signal);
    if (signal.aborted) return;
    checks.setState({ about: workflow, unanswered: false, problems, warnings, ends });
    if (problems.length === 0) await expect(workflow, signal);
    else checks.setState({ lines: {}, explained: workflow });
  } catch {
    // A lost connection has its own banner, and an old mark at a node is better than none.
    if (!signal.aborted) checks.setState({ unanswered: true });
  }
}

async function expect(workflow: Workflow, signal: AbortSignal) {
  const lines = await explain(toDocument(workflow), signal).catch(() => null);
  if (signal.aborted || present() !== workflow) return;
  checks.setState({ lines: lines ?? {}, explained: workflow, unanswered: lines === null });
}
