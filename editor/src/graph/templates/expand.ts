/** Expansion of a template: its nodes in place of the call that stands for them. */

import { linkMapped, linksMapped, withCall } from "../links";
import { mapRecord, own } from "../records";
import { viewWithout } from "../view/folded";
import { middleOf, placeOf, type Place } from "../view/places";
import { addresses, freeNames, split, type Call, type Link, type Workflow } from "../workflow";
import { usedTemplates } from "./used";

/** The workflow with the inside of a template's call, and the names of what came out of it. */
export function expanded(
  workflow: Workflow,
  name: string,
  template: Workflow | undefined = own(workflow.templates, own(workflow.nodes, name)?.type ?? ""),
): [Workflow, string[]] {
  const call = own(workflow.nodes, name);
  if (!call || !template) return [workflow, []];
  const taken = (node: string) => node !== name && own(workflow.nodes, node) !== undefined;
  const names = freeNames(Object.keys(template.nodes), taken);
  const inner = (address: string) => {
    const [node, port] = split(address);
    return `${names.get(node) ?? node}.${port}`;
  };
  const nodes: Record<string, Call> = {};
  for (const [old, outer] of Object.entries(workflow.nodes)) {
    if (old !== name) {
      nodes[old] = outer;
      continue;
    }
    for (const [key, part] of Object.entries(template.nodes)) {
      nodes[names.get(key) ?? key] = linksMapped(part, inner);
    }
  }
  const filled = withArguments({ ...workflow, nodes }, call, template, inner);
  return [rewired(filled, name, template, { names, inner }), [...names.values()]];
}

interface Renaming {
  readonly names: ReadonlyMap<string, string>;
  readonly inner: (address: string) => string;
}

/** Hand the values and links of the call to the inputs that its params stand for. */
function withArguments(
  workflow: Workflow,
  call: Call,
  template: Workflow,
  inner: (address: string) => string,
): Workflow {
  let filled = workflow;
  for (const [param, { to }] of Object.entries(template.params)) {
    for (const [node, input] of addresses(to).map(inner).map(split)) {
      const target = own(filled.nodes, node);
      if (!target) continue;
      const [value, link] = [own(call.values, param), own(call.links, param)];
      if (link !== undefined) {
        const values = mapRecord(target.values, (old, key) => (key === input ? undefined : old));
        const links = { ...target.links, [input]: link };
        filled = withCall(filled, node, { ...target, values, links });
      } else if (value !== undefined) {
        const values = { ...target.values, [input]: value };
        filled = withCall(filled, node, { ...target, values });
      }
    }
  }
  return filled;
}

/** Let everything that named the call's ports name those inside. */
function rewired(
  workflow: Workflow,
  name: string,
  template: Workflow,
  { names, inner }: Renaming,
): Workflow {
  const result = (address: string) => {
    const [node, port] = split(address);
    const inside = node === name ? own(template.results, port) : undefined;
    return inside === undefined ? address : inner(inside);
  };
  const targets = (link: Link): Link => {
    const all = addresses(link).flatMap((address) => {
      const [node, port] = split(address);
      const param = node === name ? own(template.params, port) : undefined;
      return param ? addresses(param.to).map(inner) : [address];
    });
    return all.length === 1 ? (all[0] as string) : all;
  };
  return {
    ...workflow,
    nodes: mapRecord(workflow.nodes, (call) => linksMapped(call, result)),
    params: mapRecord(workflow.params, (param) => ({ ...param, to: targets(param.to) })),
    results: mapRecord(workflow.results, (address) => linkMapped(address, result) as string),
    templates: usedTemplates(workflow.templates, Object.values(workflow.nodes)),
    view: { ...viewWithout(workflow.view, new Set([name])), ...places(workflow, name, template, names) },
  };
}

function places(
  workflow: Workflow,
  name: string,
  template: Workflow,
  names: ReadonlyMap<string, string>,
): Record<string, readonly number[]> {
  const [x, y] = placeOf(workflow, name) ?? [0, 0];
  const inside = [...names].map(([old, node], index) => {
    const place: Place = placeOf(template, old) ?? [index * 60, index * 60];
    return [node, place] as const;
  });
  // Collapsing put the node into the middle of those it stands for: they go back round it.
  const [middleX, middleY] = middleOf(inside.map(([, place]) => place));
  return Object.fromEntries(
    inside.map(([node, place]) => [node, [place[0] - middleX + x, place[1] - middleY + y]]),
  );
}
