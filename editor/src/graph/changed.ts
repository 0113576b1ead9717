/** Nodes that are no longer what they were in a workflow that was run, or that depend on such. */

import { dependenciesOf } from "./links";
import { setValue } from "./edits";
import { own, same } from "./records";
import { addresses, split, type Json, type Workflow } from "./workflow";

const known = new WeakMap<Workflow, WeakMap<Workflow, ReadonlySet<string>>>();

/**
 * The names of the nodes that would not do now what they did in `then`: changed, added or gone, or
 * fed by such. Places and titles are no change. Asked for by every node: the answer is kept.
 */
export function changedSince(then: Workflow, now: Workflow): ReadonlySet<string> {
  const answers = known.get(then) ?? new WeakMap<Workflow, ReadonlySet<string>>();
  known.set(then, answers);
  const names = answers.get(now) ?? changed(then, now);
  answers.set(now, names);
  return names;
}

function changed(then: Workflow, now: Workflow): ReadonlySet<string> {
  const names = new Set<string>();
  if (then === now || (then.nodes === now.nodes && then.templates === now.templates)) return names;
  const consumers = new Map<string, string[]>();
  for (const [name, call] of Object.entries(now.nodes)) {
    for (const source of dependenciesOf(call)) {
      consumers.set(source, [...(consumers.get(source) ?? []), name]);
    }
    if (!isSame(then, now, name)) names.add(name);
  }
  for (const name of Object.keys(then.nodes)) if (!own(now.nodes, name)) names.add(name);
  // A set that grows while it is gone through gives what was added, too.
  for (const name of names) for (const consumer of consumers.get(name) ?? []) names.add(consumer);
  return names;
}

function isSame(then: Workflow, now: Workflow, name: string): boolean {
  const [before, after] = [own(then.nodes, name), own(now.nodes, name)];
  if (!before || !after || !same(before, after)) return false;
  // A template of the document's own; those of the server are not in it, but in what was run.
  const template = own(now.templates, after.type);
  return template === undefined || same(own(then.templates, after.type), template);
}

/** A workflow with some of its params set: what a form runs. */
export function withParams(workflow: Workflow, params: Readonly<Record<string, Json>>): Workflow {
  return Object.entries(params).reduce(
    (filled, [name, value]) =>
      addresses(own(workflow.params, name)?.to).reduce((set, address) => {
        const [node, input] = split(address);
        return setValue(set, node, input, value);
      }, filled),
    workflow,
  );
}
