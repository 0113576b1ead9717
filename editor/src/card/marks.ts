/** Marks of a node: its problems, its warnings, and what a run is expected to do with it. */

import { useMemo } from "react";
import { useStore } from "zustand";

import { changedSince, kindsNow, present, useEditor } from "../graph";
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

export function useWarnings(node: string): readonly Problem[] {
  const warnings = useStore(checks, (state) => state.warnings);
  return useMemo(() => warnings.filter(({ address }) => spotOf(address).node === node), [warnings, node]);
}

/** What is expected of a node: "cached", or why it will run; nothing until an edit was looked at. */
export function useExpectation(node: string): Expectation | null {
  const lines = useStore(checks, (state) => state.lines[node]);
  const about = useStore(checks, (state) => state.explained);
  const unseen = useEditor((state) => about === null || changedSince(about, present(state), kindsNow(state)).has(node));
  const wrong = useIsWrong(node);
  if (unseen || wrong) return null;
  return lines ? expectationOf(lines) : UNEXPLAINED;
}

/** Where something else is wrong, nothing is explained: what was changed is not known, so it will run. */
const UNEXPLAINED: Expectation = { state: "runs", why: "" };

export interface Expectation {
  readonly state: "cached" | "runs" | "fails";
  readonly why: string;
}

export function expectationOf(lines: readonly ExplainLine[]): Expectation | null {
  const due = lines.filter((line) => line.state !== "cached");
  if (due.length === 0) {
    const why = lines.map((line) => line.why).filter(Boolean);
    return { state: "cached", why: why.length === 1 ? (why[0] ?? "") : "" };
  }
  const broken = due.find((line) => line.state === "fails");
  if (broken) return { state: "fails", why: broken.why };
  // What only waits for another node has no reason of its own to run.
  const first = due.find((line) => line.state !== "waits") ?? due[0];
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
