/** The part of a workflow that chosen nodes need: to run no further than them. */

import type { Kinds } from "./kinds";
import { dependenciesOf } from "./links";
import { mapRecord, own } from "./records";
import type { Workflow } from "./workflow";

/** What can be kept and shown: a picture, or anything that JSON can spell. */
function isShown(wire: string | undefined): boolean {
  return wire === undefined || wire === "Image" || wire === "Mask";
}

/** A workflow of `names` and what they depend on, whose results are what they give. */
export function upTo(workflow: Workflow, names: readonly string[], kinds: Kinds): Workflow {
  const needed = new Set<string>();
  const todo = [...names];
  while (todo.length > 0) {
    const name = todo.pop() as string;
    const call = own(workflow.nodes, name);
    if (!call || needed.has(name)) continue;
    needed.add(name);
    todo.push(...dependenciesOf(call));
  }
  const results: Record<string, string> = {};
  for (const name of names) {
    const outputs = own(kinds, own(workflow.nodes, name)?.type ?? "")?.outputs ?? {};
    // Without results the engine runs what nothing else uses: these nodes.
    const shown = Object.entries(outputs).find(([, output]) => isShown(output.wire ?? output.items?.wire));
    if (shown) results[name] = `${name}.${shown[0]}`;
  }
  return {
    ...workflow,
    nodes: mapRecord(workflow.nodes, (call, name) => (needed.has(name) ? call : undefined)),
    params: {},
    results,
  };
}
