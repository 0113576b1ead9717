/** The kinds of nodes there are, as `GET /v1/nodes` describes them. */

import type { Schema } from "./schema";

export interface Input extends Schema {
  readonly required?: boolean;
  /** Given several items, the node runs once for each; false: it takes them all at once. */
  readonly maps?: boolean;
  /** It names a model, of this list of `GET /v1/models` among others. */
  readonly models?: string;
  readonly expands?: boolean;
}

export interface Output extends Schema {
  readonly items_out?: boolean;
}

export interface Kind {
  readonly type: string;
  readonly title: string;
  readonly group: string;
  readonly doc: string;
  readonly sort: "node" | "composite" | "template";
  readonly inputs: Readonly<Record<string, Input>>;
  readonly outputs: Readonly<Record<string, Output>>;
}

export type Kinds = Readonly<Record<string, Kind>>;

export function kindsByType(kinds: readonly Kind[]): Kinds {
  return Object.fromEntries(kinds.map((kind) => [kind.type, kind]));
}

/** Whether an input takes several items at once, so that several wires may end in it. */
export function takesSeveral(input: Input): boolean {
  return input.maps === false;
}
