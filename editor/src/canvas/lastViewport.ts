/** The last viewport of each document, in which it is shown again. */

import type { Viewport } from "@xyflow/react";

import { present } from "../graph";

const FIT = { padding: 0.1, maxZoom: 1 };
const views = new Map<string, Viewport>();

export function keepView(document: string, view: Viewport) {
  views.set(document, view);
}

/** How a document is shown first: as it was left, or the whole of it. */
export function viewFor(document: string) {
  // In an empty one, fitting the first node would move it away from where it was put.
  const isEmpty = Object.keys(present().nodes).length === 0;
  const view = views.get(document) ?? (isEmpty ? { x: 0, y: 0, zoom: 1 } : undefined);
  return view ? { defaultViewport: view } : { fitView: true, fitViewOptions: FIT };
}
