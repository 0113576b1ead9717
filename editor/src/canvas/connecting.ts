/** A wire that is being drawn, from the port where it begins to where it is let go. */

import type { OnConnect, OnConnectEnd, OnConnectStart } from "@xyflow/react";

import { openPalette } from "../ui/paletteRequest";
import { say } from "../ui/say";
import { startDragging, stopDragging } from "../card/ports/wireDrag";
import type { Port } from "../graph";
import { portOf } from "../card/callNode";
import { connectEnds, connectWithNode, refusal } from "./wireEdits";

/** Whether Shift was held when the wire was let go: then it is added to those that are there. */
let shift = false;
let from: Port | null = null;

export const connectionStarted: OnConnectStart = (_, { nodeId, handleId, handleType }) => {
  if (nodeId === null) return;
  from = { node: nodeId, side: handleType === "source" ? "out" : "in", port: portOf(handleId) };
  startDragging(from);
  window.addEventListener("pointerup", ({ shiftKey }) => (shift = shiftKey), { once: true, capture: true });
};

/** A wire let go: on a node, it finds its port; on the empty canvas, the palette asks for a node. */
export const connectionEnded: OnConnectEnd = (event, state) => {
  stopDragging();
  const begun = from;
  from = null;
  if (!begun || state.isValid) return;
  const { clientX: x, clientY: y } = "changedTouches" in event ? (event.changedTouches[0] as Touch) : event;
  if (state.toHandle && state.fromHandle) {
    const [source, target] =
      state.fromHandle.type === "source"
        ? [state.fromHandle, state.toHandle]
        : [state.toHandle, state.fromHandle];
    const why = refusal({
      source: source.nodeId,
      sourceHandle: source.id ?? null,
      target: target.nodeId,
      targetHandle: target.id ?? null,
    });
    const isBack = state.toHandle.nodeId === begun.node && portOf(state.toHandle.id) === begun.port;
    if (why && !isBack) say(why);
    return;
  }
  const under = document.elementFromPoint(x, y);
  const node = under?.closest(".react-flow__node-call")?.getAttribute("data-id");
  if (node) connectWithNode(begun, node);
  else if (under?.closest(".canvas")) openPalette({ x, y, from: begun });
};

export const connected: OnConnect = (ends) => connectEnds(ends, shift);
