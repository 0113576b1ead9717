/** Nodes that are no longer what they were in a workflow that was run, or that depend on such. */

import { setValue } from "./edits";
import type { Kind, Kinds } from "./kinds";
import { dependenciesOf } from "./links";
import { own, same } from "./records";
import { addresses, split, type Call, type Json, type Workflow } from "./workflow";

interface Answer {
  readonly kinds: Kinds;
  readonly names: ReadonlySet<string>;
}

const known = new WeakMap<Workflow, WeakMap<Workflow, Answer>>();

/**
 * The names of the nodes that would not do now what they did in `then`: changed, added or gone, or
 * fed by such. Places and titles are no change, nor is a default that is written out. Asked for by
 * every node: the answer is kept.
 */
export function changedSince(then: Workflow, now: Workflow, kinds: Kinds = NO_KINDS): ReadonlySet<string> {
  const answers = known.get(then) ?? new WeakMap<Workflow, Answer>();
  known.set(then, answers);
  const answer = answers.get(now);
  if (answer?.kinds === kinds) return answer.names;
  const names = changed(then, now, kinds);
  answers.set(now, { kinds, names });
  return names;
}

const NO_KINDS: Kinds = {};

function changed(then: Workflow, now: Workflow, kinds: Kinds): ReadonlySet<string> {
  const names = new Set<string>();
  if (then === now || (then.nodes === now.nodes && then.templates === now.templates)) return names;
  const consumers = new Map<string, string[]>();
  for (const [name, call] of Object.entries(now.nodes)) {
    for (const source of dependenciesOf(call)) {
      consumers.set(source, [...(consumers.get(source) ?? []), name]);
    }
    if (!isSame(then, now, name, kinds)) names.add(name);
  }
  for (const name of Object.keys(then.nodes)) if (!own(now.nodes, name)) names.add(name);
  // A set that grows while it is gone through gives what was added, too.
  for (const name of names) for (const consumer of consumers.get(name) ?? []) names.add(consumer);
  return names;
}

function isSame(then: Workflow, now: Workflow, name: string, kinds: Kinds): boolean {
  const [before, after] = [own(then.nodes, name), own(now.nodes, name)];
  if (!before || !after || !isSameCall(before, after, own(kinds, after.type))) return false;
  // A template of the document's own; those of the server are not in it, but in what was run.
  const template = own(now.templates, after.type);
  return template === undefined || same(own(then.templates, after.type), template);
}

function isSameCall(before: Call, after: Call, kind: Kind | undefined): boolean {
  if (before === after) return true;
  if (before.type !== after.type || !same(before.links, after.links)) return false;
  const value = (call: Call, input: string) => own(call.values, input) ?? own(kind?.inputs ?? {}, input)?.default;
  const inputs = new Set([...Object.keys(before.values), ...Object.keys(after.values)]);
  return [...inputs].every((input) => same(value(before, input), value(after, input)));
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
