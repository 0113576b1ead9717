/** Put the nodes of a template in place of the one that stands for them. */

import { linkMapped, linksMapped, withCall } from "../links";
import { middleOf, placeOf, type Place } from "../view/places";
import { viewWithout } from "../view/folded";
import { addresses, freeName, split, type Call, type Link, type Workflow } from "../workflow";
import { mapRecord, own } from "../records";

/** The workflow with the inside of a template's call, and the names of what came out of it. */
export function expanded(
  workflow: Workflow,
  name: string,
  template: Workflow | undefined = own(workflow.templates, own(workflow.nodes, name)?.type ?? ""),
): [Workflow, string[]] {
  const call = own(workflow.nodes, name);
  if (!call || !template) return [workflow, []];
  const names = innerNames(workflow, name, template);
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
    for (const [key, one] of Object.entries(template.nodes)) {
      nodes[names.get(key) ?? key] = linksMapped(one, inner);
    }
  }
  const given = withGiven({ ...workflow, nodes }, call, template, inner);
  return [rewired(given, name, template, { names, inner }), [...names.values()]];
}

interface Renaming {
  readonly names: ReadonlyMap<string, string>;
  readonly inner: (address: string) => string;
}

/** Hand what the call was given to the inputs that its params stand for. */
function withGiven(
  workflow: Workflow,
  call: Call,
  template: Workflow,
  inner: (address: string) => string,
): Workflow {
  let given = workflow;
  for (const [param, { to }] of Object.entries(template.params)) {
    for (const [node, input] of addresses(to).map(inner).map(split)) {
      const target = own(given.nodes, node);
      if (!target) continue;
      const [value, link] = [own(call.values, param), own(call.links, param)];
      if (link !== undefined) {
        const values = mapRecord(target.values, (one, key) => (key === input ? undefined : one));
        const links = { ...target.links, [input]: link };
        given = withCall(given, node, { ...target, values, links });
      } else if (value !== undefined) {
        const values = { ...target.values, [input]: value };
        given = withCall(given, node, { ...target, values });
      }
    }
  }
  return given;
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
    const each = addresses(link).flatMap((address) => {
      const [node, port] = split(address);
      const param = node === name ? own(template.params, port) : undefined;
      return param ? addresses(param.to).map(inner) : [address];
    });
    return each.length === 1 ? (each[0] as string) : each;
  };
  const types = Object.values(workflow.nodes).map((call) => call.type);
  const templates = kept(workflow.templates, types);
  return {
    ...workflow,
    nodes: mapRecord(workflow.nodes, (call) => linksMapped(call, result)),
    params: mapRecord(workflow.params, (param) => ({ ...param, to: targets(param.to) })),
    results: mapRecord(workflow.results, (address) => linkMapped(address, result) as string),
    templates,
    view: { ...viewWithout(workflow.view, new Set([name])), ...places(workflow, name, template, names) },
  };
}

/** Only the templates that something still uses. */
function kept(
  templates: Workflow["templates"],
  types: readonly string[],
): Workflow["templates"] {
  const used = new Set<string>();
  const todo = [...types];
  while (todo.length > 0) {
    const type = todo.pop() as string;
    const template = own(templates, type);
    if (!template || used.has(type)) continue;
    used.add(type);
    todo.push(...Object.values(template.nodes).map((call) => call.type));
  }
  return mapRecord(templates, (template, type) => (used.has(type) ? template : undefined));
}

function innerNames(workflow: Workflow, name: string, template: Workflow): Map<string, string> {
  const used = new Set(Object.keys(workflow.nodes).filter((one) => one !== name));
  const names = new Map<string, string>();
  for (const old of Object.keys(template.nodes)) {
    const free = freeName(old, (one) => used.has(one));
    used.add(free);
    names.set(old, free);
  }
  return names;
}

function places(
  workflow: Workflow,
  name: string,
  template: Workflow,
  names: ReadonlyMap<string, string>,
): Record<string, readonly number[]> {
  const [x, y] = placeOf(workflow, name) ?? [0, 0];
  const inside = [...names].map(([old, one], index) => {
    const place: Place = placeOf(template, old) ?? [index * 60, index * 60];
    return [one, place] as const;
  });
  // Collapsing put the node into the middle of those it stands for: they go back round it.
  const [middleX, middleY] = middleOf(inside.map(([, place]) => place));
  return Object.fromEntries(
    inside.map(([one, place]) => [one, [place[0] - middleX + x, place[1] - middleY + y]]),
  );
}
