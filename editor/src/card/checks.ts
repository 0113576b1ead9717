/** The server's opinion of the workflow that is shown: it is asked whenever that changes. */

import { createStore, useStore } from "zustand";

import { editor, present, toDocument, type Workflow } from "../graph";
import { api, type ExplainLine, type Problem } from "../server";

interface Checks {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** By the node that is drawn, what of it is known already and why the rest is not. */
  readonly lines: Readonly<Record<string, readonly ExplainLine[]>>;
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
  await explain(present(), new AbortController().signal);
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
    if (problems.length === 0) await explain(workflow, signal);
    else checks.setState({ lines: {} });
  } catch {
    // A lost connection has its own banner, and an old mark is better than none.
  }
}

async function explain(workflow: Workflow, signal: AbortSignal) {
  const lines = await api.explain(toDocument(workflow), undefined, signal).catch(() => null);
  if (!lines || signal.aborted || present() !== workflow) return;
  const byNode: Record<string, ExplainLine[]> = {};
  for (const line of lines) (byNode[spotOf(line.name).node] ??= []).push(line);
  checks.setState({ lines: byNode });
}

export interface Spot {
  readonly node: string;
  /** Undefined where the problem is about the whole node, or about something inside it. */
  readonly input: string | undefined;
}

/** Where an address is drawn: `sample/denoise.steps` is somewhere in the node `sample`. */
export function spotOf(address: string): Spot {
  const [node = "", ...inside] = address.split("/");
  if (inside.length > 0) return { node, input: undefined };
  const [name = "", port] = node.split(".");
  return { node: name, input: port?.replace(/\[.*$/, "") };
}

const QUIET: readonly string[] = [];

/** What is wrong at an input of a node, or (without one) with the node as a whole. */
export function useProblems(node: string, input?: string): readonly string[] {
  const text = useStore(checks, ({ problems }) => messagesAt(problems, node, input).join("\n"));
  return text ? text.split("\n") : QUIET;
}

/** The inputs of a node at which something is wrong, and whether anything at all is with it. */
export function useWrong(node: string): { readonly any: boolean; readonly inputs: readonly string[] } {
  const text = useStore(checks, ({ problems }) =>
    problems
      .map((one) => spotOf(one.address))
      .filter((spot) => spot.node === node)
      .map((spot) => spot.input ?? "")
      .join(" "),
  );
  const any = useStore(checks, ({ problems }) => problems.some((one) => spotOf(one.address).node === node));
  return { any, inputs: text.split(" ").filter(Boolean) };
}

export function useWarnings(node: string): readonly string[] {
  const text = useStore(checks, ({ warnings }) =>
    warnings
      .filter((one) => spotOf(one.address).node === node)
      .map((one) => one.message)
      .join("\n"),
  );
  return text ? text.split("\n") : QUIET;
}

/** What is expected of a node, in words: "cached", or why it will run. */
export function useExpectation(node: string): Expectation | null {
  const lines = useStore(checks, (state) => state.lines[node]);
  return lines ? expectationOf(lines) : null;
}

export interface Expectation {
  readonly state: "cached" | "runs";
  readonly why: string;
}

export function expectationOf(lines: readonly ExplainLine[]): Expectation | null {
  const due = lines.filter((line) => line.state !== "cached");
  if (due.length === 0) {
    const why = lines.map((line) => line.why).filter(Boolean);
    return { state: "cached", why: why.length === 1 ? (why[0] ?? "") : "" };
  }
  // What only waits for another node is no news.
  const first = due.find((line) => line.state !== "waits");
  return first ? { state: "runs", why: first.why } : null;
}

function messagesAt(problems: readonly Problem[], node: string, input?: string): string[] {
  return problems
    .filter(({ address }) => {
      const spot = spotOf(address);
      return spot.node === node && spot.input === input;
    })
    .map((one) => one.message.replaceAll("\n", " "));
}
