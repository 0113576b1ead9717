/** The kinds of nodes there are, as `GET /v1/nodes` describes them. */

import type { components } from "../contract/openapi";

type Schemas = components["schemas"];

/** An input: given several items, the node runs once for each, unless `maps` is false. */
export type Input = Schemas["InputPort"];
export type Output = Schemas["OutputPort"];
export type Kind = Schemas["NodeKind"];
export type Kinds = Readonly<Record<string, Kind>>;

export function kindsByType(kinds: readonly Kind[]): Kinds {
  return Object.fromEntries(kinds.map((kind) => [kind.type, kind]));
}

/** Whether an input takes several items at once, so that several wires may end in it. */
export function takesSeveral(input: Input): boolean {
  return input.maps === false;
}
