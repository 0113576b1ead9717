/** A selection of nodes collapsed into a template, for which one node stands. */

import { nameFor } from "../edits";
import type { Kinds } from "../kinds";
import { linkMapped, linksMapped } from "../links";
import { mapRecord, own } from "../records";
import { viewWithout } from "../view/folded";
import { middleOf, placesOf } from "../view/places";
import { addresses, EMPTY, freeName, type Call, type Workflow } from "../workflow";
import { insideOf, refuseWhatLeadsRound, resultsOf, unique } from "./inside";

export { CannotCollapse } from "./inside";

/**
 * Replace `names` by one call of a new template called after `title`.
 *
 * @returns The workflow and the name of the new node.
 * @throws CannotCollapse
 */
export function collapsed(
  workflow: Workflow,
  names: ReadonlySet<string>,
  title: string,
  kinds: Kinds,
): [Workflow, string] {
  refuseWhatLeadsRound(workflow, names);
  const taken = (type: string) =>
    own(workflow.templates, type) !== undefined || own(kinds, type) !== undefined;
  const type = freeName(typeFor(title), taken);
  const inside = insideOf(workflow, names);
  const results = resultsOf(workflow, names, kinds);
  const template: Workflow = {
    ...EMPTY,
    title,
    nodes: inside.nodes,
    params: inside.params,
    results,
    view: mapRecord(workflow.view, (value, name) => (names.has(name) ? value : undefined)),
  };
  const name = freeName(nameFor(title), (node) => own(workflow.nodes, node) !== undefined);
  const call: Call = { type, values: {}, links: inside.links };
  return [replaced(workflow, names, { name, call, type, template }), name];
}

interface Replacement {
  readonly name: string;
  readonly call: Call;
  readonly type: string;
  readonly template: Workflow;
}

/** The workflow with the one call at the place of the first that it stands for. */
function replaced(workflow: Workflow, names: ReadonlySet<string>, by: Replacement): Workflow {
  const outputs = new Map(Object.entries(by.template.results).map(([name, at]) => [at, name]));
  const inputs = new Map(
    Object.entries(by.template.params).flatMap(([name, param]) =>
      addresses(param.to).map((address) => [address, name] as const),
    ),
  );
  const outer = (map: ReadonlyMap<string, string>) => (address: string) => {
    const port = map.get(address);
    return port === undefined ? address : `${by.name}.${port}`;
  };
  const nodes: Record<string, Call> = {};
  for (const [name, call] of Object.entries(workflow.nodes)) {
    if (!names.has(name)) nodes[name] = linksMapped(call, outer(outputs));
    else nodes[by.name] ??= by.call;
  }
  return {
    ...workflow,
    nodes,
    params: mapRecord(workflow.params, (param) => ({
      ...param,
      to: unique(linkMapped(param.to, outer(inputs))),
    })),
    results: mapRecord(workflow.results, outer(outputs)),
    templates: { ...workflow.templates, [by.type]: by.template },
    view: { ...viewWithout(workflow.view, names), [by.name]: middleOf(placesOf(workflow, names)) },
  };
}

/** `Edges of a photo` is the type `EdgesOfAPhoto`. */
function typeFor(title: string): string {
  const words = title.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(name) ? name : `Template${name}`;
}
