/** Workflows opened in tabs of their own, their nodes well placed. */

import { createStore } from "zustand";

import {
  arranged,
  editor,
  activate,
  estimated,
  kindsFor,
  open,
  placed,
  placeOf,
  readWorkflow,
  settle,
  moved,
  type Opening,
  type Workflow,
} from "../graph";
import type { Origin } from "../panels";
import { roomySizes } from "../canvas/drawnSizes";
import { leaveField } from "../ui/useField";

/** Documents whose places were guessed: once they are drawn, they are placed by their true sizes. */
export const guessed = createStore<{ readonly documents: ReadonlySet<string> }>()(() => ({
  documents: new Set(),
}));

/** Show a workflow. One that is open already under its name, as it is stored, is shown again. */
export function openWorkflow(source: unknown, origin: Origin) {
  const workflow = readWorkflow(source);
  // What is typed belongs to the document in which it was typed.
  leaveField();
  if (origin.kind === "stored") {
    const { documents } = editor.getState();
    const there = documents.find((document) => document.name === origin.name && document.version === origin.version);
    if (there) {
      activate(there.id);
      return;
    }
  }
  show(workflow, openingOf(origin));
}

function openingOf(origin: Origin): Opening {
  switch (origin.kind) {
    case "stored":
      return { name: origin.name, version: origin.version, shipped: origin.shipped };
    case "job":
      return { job: origin.job };
    case "file":
    case "new":
      return {};
  }
}

function show(workflow: Workflow, opening: Opening) {
  const kinds = kindsFor(editor.getState().kinds, workflow);
  const whole = placed(workflow, estimated(workflow, kinds));
  const isStored = opening.name !== undefined;
  const id = open(whole, { ...opening, saved: isStored ? whole : null });
  const anyPlaced = Object.keys(workflow.nodes).some((name) => placeOf(workflow, name));
  if (!anyPlaced) guessed.setState(({ documents }) => ({ documents: new Set([...documents, id]) }));
}

/** Place the nodes of a document by the sizes they were drawn with; false where that is not due. */
export function placeAgain(id: string): boolean {
  if (!guessed.getState().documents.has(id)) return false;
  guessed.setState(({ documents }) => ({
    documents: new Set([...documents].filter((document) => document !== id)),
  }));
  settle(id, (workflow) => moved(workflow, arranged(workflow, roomySizes)));
  return true;
}
