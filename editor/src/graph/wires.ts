/** The wires of a workflow, as they are drawn. */

import { dependenciesOf } from "./links";
import { own } from "./records";
import { addresses, split, type Call, type Workflow } from "./workflow";

/** One wire as it is drawn: the `index`-th that ends in an input. */
export interface Wire {
  readonly id: string;
  readonly source: string;
  readonly output: string;
  readonly target: string;
  readonly input: string;
  readonly index: number;
}

export function wireId(target: string, input: string, index: number): string {
  return `${target}.${input}#${index}`;
}

/** Every wire of a workflow, those that lead from nowhere too. */
export function wiresOf(workflow: Workflow): Wire[] {
  return Object.entries(workflow.nodes).flatMap(([target, call]) => wiresInto(target, call));
}

export function wiresInto(target: string, call: Call): Wire[] {
  return Object.entries(call.links).flatMap(([input, link]) =>
    addresses(link).map((address, index) => {
      const [source, output] = split(address);
      return { id: wireId(target, input, index), source, output, target, input, index };
    }),
  );
}

/** Whether a wire from `source` into `target` would lead round to where it began. */
export function leadsRound(workflow: Workflow, source: string, target: string): boolean {
  const seen = new Set<string>();
  const todo = [source];
  while (todo.length > 0) {
    const name = todo.pop() as string;
    if (name === target) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    todo.push(...dependenciesOf(own(workflow.nodes, name)));
  }
  return false;
}
