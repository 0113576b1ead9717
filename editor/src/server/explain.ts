/** The explanation of a run to come, by the node that is drawn: what will be computed, and why. */

import * as api from "./api";
import { drawnName } from "./runs/nodeRun";
import type { ExplainLine, WorkflowDocument } from "./types";

export type Explanation = Readonly<Record<string, readonly ExplainLine[]>>;

export async function explain(
  workflow: WorkflowDocument,
  signal: AbortSignal,
  only?: string[],
): Promise<Explanation> {
  const byNode: Record<string, ExplainLine[]> = {};
  for (const line of await api.explain(workflow, only, signal)) {
    (byNode[drawnName(line.name)] ??= []).push(line);
  }
  return byNode;
}
