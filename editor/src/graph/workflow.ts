/** The workflow document as the engine reads it; its addresses and its free names. */

import type { Json } from "../contract/json";

export type { Json };

/** One link is `"node.output"`; an array takes one item from each. */
export type Link = string | readonly string[];

export interface Call {
  readonly type: string;
  readonly values: Readonly<Record<string, Json>>;
  readonly links: Readonly<Record<string, Link>>;
}

export interface Param {
  readonly to: Link;
  readonly label?: string;
  readonly help?: string;
}

/** Every part is there, if empty: what is left out of a file is filled in by `readWorkflow`. */
export interface Workflow {
  readonly format: 1;
  readonly title: string;
  readonly nodes: Readonly<Record<string, Call>>;
  readonly params: Readonly<Record<string, Param>>;
  readonly results: Readonly<Record<string, string>>;
  readonly models: Readonly<Record<string, Json>>;
  readonly templates: Readonly<Record<string, Workflow>>;
  readonly view: Readonly<Record<string, Json>>;
}

export const EMPTY: Workflow = {
  format: 1,
  title: "",
  nodes: {},
  params: {},
  results: {},
  models: {},
  templates: {},
  view: {},
};

/** What the engine takes as the name of a node, a param or a result. */
export const NAME = /^[a-z][a-z0-9_]*$/;

/** Take `node.port` apart. */
export function split(address: string): [node: string, port: string] {
  const dot = address.lastIndexOf(".");
  return dot < 0 ? ["", address] : [address.slice(0, dot), address.slice(dot + 1)];
}

/** The addresses of a link or of a param, in their order. */
export function addresses(link: Link | undefined): readonly string[] {
  if (link === undefined) return [];
  return typeof link === "string" ? [link] : link;
}

/** The first of `wanted`, `wanted_2`, `wanted_3`, … that is not taken. */
export function freeName(wanted: string, taken: (name: string) => boolean): string {
  if (!taken(wanted)) return wanted;
  const stem = wanted.replace(/_\d+$/, "");
  for (let number = 2; ; number++) {
    const name = `${stem}_${number}`;
    if (!taken(name)) return name;
  }
}

/** A free name for each of `wanted`, different from one another too. */
export function freeNames(wanted: readonly string[], taken: (name: string) => boolean): Map<string, string> {
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const old of wanted) {
    const name = freeName(old, (candidate) => used.has(candidate) || taken(candidate));
    used.add(name);
    names.set(old, name);
  }
  return names;
}
