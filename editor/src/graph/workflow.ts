/** The workflow document as the engine reads it, and the small questions one asks of it. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

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

/** Look a name up without finding what every object inherits (`constructor` is a fine name). */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

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

/** Build a record from the entries of another; the order stays. */
export function mapRecord<T, U>(
  record: Readonly<Record<string, T>>,
  change: (value: T, key: string) => U | undefined,
): Record<string, U> {
  const changed: Record<string, U> = {};
  for (const [key, value] of Object.entries(record)) {
    const next = change(value, key);
    if (next !== undefined) changed[key] = next;
  }
  return changed;
}

/** Copy a record without some of its keys; the same record where it has none of them. */
export function without<T>(
  record: Readonly<Record<string, T>>,
  keys: ReadonlySet<string>,
): Readonly<Record<string, T>> {
  if (!Object.keys(record).some((key) => keys.has(key))) return record;
  return mapRecord(record, (value, key) => (keys.has(key) ? undefined : value));
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

/** Whether two values would be the same JSON, whatever the order of keys. */
export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const one = left as Record<string, unknown>;
  const other = right as Record<string, unknown>;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}
