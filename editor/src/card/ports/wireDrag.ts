/** The wire that is being drawn: ports show whether they take it. */

import { createStore, useStore } from "zustand";

import { fits, kindsNow, own, present, type Input, type Output } from "../../graph";

/** A port of a node in the document. */
export interface Port {
  readonly node: string;
  readonly side: "in" | "out";
  readonly port: string;
}

interface Dragging {
  readonly from: Port | null;
  readonly described: Input | Output | undefined;
}

export const dragging = createStore<Dragging>()(() => ({ from: null, described: undefined }));

export function startDragging(from: Port) {
  dragging.setState({ from, described: describedAt(from) });
}

export function stopDragging() {
  if (dragging.getState().from) dragging.setState({ from: null, described: undefined });
}

/** The description of a port, by the kind of its node. */
export function describedAt({ node, side, port }: Port): Input | Output | undefined {
  const kind = own(kindsNow(), own(present().nodes, node)?.type ?? "");
  return own((side === "in" ? kind?.inputs : kind?.outputs) ?? {}, port);
}

/** Whether a port takes the wire that is being drawn; null where none is, or it comes from there. */
export function useTakes(mine: Port, described: Input | Output | undefined): boolean | null {
  return useStore(dragging, ({ from, described: other }) => {
    if (!from) return null;
    if (from.node === mine.node && from.port === mine.port && from.side === mine.side) return null;
    if (from.side === mine.side || from.node === mine.node || !described || !other) return false;
    return from.side === "out" ? fits(other, described) : fits(described, other as Input);
  });
}
