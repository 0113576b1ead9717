/** The viewport: points of the window on the drawing, and nodes brought into view. */

import type { ReactFlowInstance } from "@xyflow/react";

import { nodeElement } from "../card/nodeElement";
import { WIDTH, type Place } from "../graph";
import type { FlowEdge } from "./edges";
import type { FlowNode } from "./nodes";

let instance: ReactFlowInstance<FlowNode, FlowEdge> | null = null;
let pointer: Place | null = null;

export function setInstance(next: ReactFlowInstance<FlowNode, FlowEdge> | null) {
  instance = next;
}

/** Remember where the pointer is: what is pasted or added by key goes there. */
export function notePointer(x: number, y: number) {
  pointer = [x, y];
}

/** Where the pointer was last on the canvas; its middle, if it never was there. */
export function pointerOnWindow(): Place {
  const box = document.querySelector(".react-flow")?.getBoundingClientRect();
  if (!box) return [0, 0];
  const [x, y] = pointer ?? [box.left + box.width / 2, box.top + box.height / 2];
  const inside = x > box.left && x < box.right && y > box.top && y < box.bottom;
  return inside ? [x, y] : [box.left + box.width / 2, box.top + box.height / 2];
}

/** A point of the window on the drawing. */
export function flowPoint(x: number, y: number): Place {
  const point = instance?.screenToFlowPosition({ x, y });
  return point ? [point.x, point.y] : [x, y];
}

/** Where the upper left of a new node goes so that its head is under the point. */
export function centred([x, y]: Place): Place {
  return [x - WIDTH / 2, y - 16];
}

export function fitAll() {
  void instance?.fitView({ padding: 0.1, maxZoom: 1, duration: calm() ? 0 : 200 });
}

/** Give the whole canvas the keys, where it is shown. */
export function focusCanvas() {
  document.querySelector<HTMLElement>(".canvas")?.focus({ preventScroll: true });
}

/** Give a node the keys. A new one can take them once it was measured, a few frames later. */
export function focusNode(name: string, tries = 20) {
  const node = nodeElement(name);
  if (node instanceof HTMLElement) node.focus({ preventScroll: true });
  if (document.activeElement === node || tries === 0) return;
  requestAnimationFrame(() => focusNode(name, tries - 1));
}

/** Bring nodes into view. */
export function showNodes(names: readonly string[]) {
  const nodes = names.map((id) => ({ id }));
  void instance?.fitView({ nodes, padding: 0.4, maxZoom: 1, duration: calm() ? 0 : 250 });
}

export function zoom(by: "in" | "out" | "whole") {
  const duration = calm() ? 0 : 120;
  if (by === "in") void instance?.zoomIn({ duration });
  else if (by === "out") void instance?.zoomOut({ duration });
  else void instance?.zoomTo(1, { duration });
}

/** Some people's systems ask for less movement. */
function calm(): boolean {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}
