/** Marks of a node: its problems, its warnings, and what a run is expected to do with it. */

import { useStore } from "zustand";

import type { ExplainLine, Problem } from "../server";
import { checks } from "./checks";

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

/** Whether anything at all is wrong with a node. */
export function useIsWrong(node: string): boolean {
  return useStore(checks, ({ problems }) => problems.some((problem) => spotOf(problem.address).node === node));
}

/** The inputs of a node at which something is wrong, and whether anything at all is with it. */
export function useWrong(node: string): { readonly any: boolean; readonly inputs: readonly string[] } {
  const text = useStore(checks, ({ problems }) =>
    problems
      .map((problem) => spotOf(problem.address))
      .filter((spot) => spot.node === node)
      .map((spot) => spot.input ?? "")
      .join(" "),
  );
  return { any: useIsWrong(node), inputs: text.split(" ").filter(Boolean) };
}

export function useWarnings(node: string): readonly string[] {
  const text = useStore(checks, ({ warnings }) =>
    warnings
      .filter((warning) => spotOf(warning.address).node === node)
      .map((warning) => warning.message)
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
    .map((problem) => problem.message.replaceAll("\n", " "));
}
