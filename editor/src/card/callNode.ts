/** A call as React Flow draws it: the data of its node, and the ids of the handles at its ports. */

import type { Node } from "@xyflow/react";

export type CallNode = Node<{ readonly folded: boolean; readonly strays: readonly string[] }, "call">;

export const inHandle = (input: string) => `in:${input}`;
export const outHandle = (output: string) => `out:${output}`;
export const portOf = (handle: string | null | undefined) => handle?.replace(/^(in|out):/, "") ?? "";
