/** The host of the panels: what they ask of the page around them, as a context. */

import { createContext, useContext } from "react";

import type { Json, WorkflowDocument } from "../server";

/** Where a workflow came from, and with that what saving it means. */
export type Origin =
  | { kind: "stored"; name: string; version: string; shipped: boolean }
  | { kind: "job"; job: string; title: string }
  | { kind: "file"; file: string }
  | { kind: "new" };

/** A workflow that is kept on the server under a name. */
export interface Stored {
  name: string;
  version: string;
}

/** What the server has of an open document. */
export interface Saved {
  title: string;
  /** What the server keeps it as; null: it was never saved. */
  name: string | null;
  version: string | null;
  shipped: boolean;
}

/** What the panels ask of the page around them: it owns the document and the canvas. */
export interface Host {
  /** A document as it is now; null where it was closed. */
  document(id: string): { saved: Saved; workflow: WorkflowDocument } | null;
  /**
   * Show another workflow. What is drawn now must not be lost by it: the host sees to that.
   * Throws, with a sentence for the user, where `workflow` is none.
   */
  open(workflow: unknown, origin: Origin): void;
  /** This very text of a document is saved now. What was edited meanwhile is not. */
  saved(id: string, stored: Stored, text: WorkflowDocument): void;
  /** A workflow was deleted on the server; what is open of it stays open, unsaved. */
  deleted(name: string): void;
  /** Select the node at an address (`edges.low_threshold`, `portrait/edges`) and bring it into view. */
  goTo(address: string): void;
  /** The node drawn at a point of the window. */
  nodeAt(x: number, y: number): { name: string; type: string } | null;
  setValue(node: string, input: string, value: Json): void;
  /** Add a node at a point of the window; answers with its name. */
  addNode(type: string, values: Record<string, Json>, x: number, y: number): string;
  /** Tell the user something that needs no answer; `action` can be pressed while it is to be read. */
  say(message: string, action?: { readonly label: string; run(): void }): void;
}

const HostContext = createContext<Host | null>(null);

export const HostProvider = HostContext.Provider;

export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) throw new Error("no HostProvider around this panel");
  return host;
}
