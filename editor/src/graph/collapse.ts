/** Put a selection of nodes into a template, so that one node stands for them. */

import { linksMapped, linkMapped, nameFor } from "./edits";
import type { Kinds } from "./kinds";
import { middleOf, placeOf, viewWithout, type Place } from "./view";
import {
  EMPTY,
  addresses,
  freeName,
  mapRecord,
  own,
  same,
  split,
  type Call,
  type Link,
  type Param,
  type Workflow,
} from "./workflow";

/** The selection cannot become a template; the message says why, and what would help. */
export class CannotCollapse extends Error {}

interface Parts {
  readonly nodes: Record<string, Call>;
  readonly params: Record<string, Param>;
  readonly links: Record<string, Link>;
}

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
  const name = freeName(nameFor(title), (one) => own(workflow.nodes, one) !== undefined);
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
    view: { ...viewWithout(workflow.view, names), [by.name]: middle(workflow, names) },
  };
}

/** The nodes without their wires from outside; each source of these is a param. */
function insideOf(workflow: Workflow, names: ReadonlySet<string>): Parts {
  const parts: Parts = { nodes: {}, params: {}, links: {} };
  for (const name of names) {
    const call = own(workflow.nodes, name);
    if (!call) continue;
    const links: Record<string, Link> = {};
    for (const [input, link] of Object.entries(call.links)) {
      const outside = addresses(link).filter((address) => !names.has(split(address)[0]));
      if (outside.length === 0) links[input] = link;
      else if (outside.length === addresses(link).length) addParam(parts, `${name}.${input}`, link);
      else {
        throw new CannotCollapse(
          `${name}.${input} takes wires from inside the selection and from outside it; ` +
            "choose all of the nodes they come from, or none",
        );
      }
    }
    parts.nodes[name] = { ...call, links };
  }
  for (const [param, { to, label, help }] of Object.entries(workflow.params)) {
    const within = addresses(to).filter((address) => names.has(split(address)[0]));
    if (within.length === 0) continue;
    const free = freeName(param, (one) => own(parts.params, one) !== undefined);
    parts.params[free] = {
      to: unique(within),
      ...(label ? { label } : {}),
      ...(help ? { help } : {}),
    };
  }
  return parts;
}

/** One param for a source, even where it goes to several inputs. */
function addParam(parts: Parts, address: string, link: Link) {
  const known = Object.keys(parts.links).find((name) => same(parts.links[name], link));
  const param = known === undefined ? undefined : parts.params[known];
  if (known !== undefined && param) {
    parts.params[known] = { to: [...addresses(param.to), address] };
    return;
  }
  const [, input] = split(address);
  const name = freeName(input, (one) => own(parts.params, one) !== undefined);
  parts.params[name] = { to: address };
  parts.links[name] = link;
}

/** The outputs that are used outside; where none is, those that nothing inside uses. */
function resultsOf(
  workflow: Workflow,
  names: ReadonlySet<string>,
  kinds: Kinds,
): Record<string, string> {
  const outside = Object.entries(workflow.nodes)
    .filter(([name]) => !names.has(name))
    .flatMap(([, call]) => Object.values(call.links).flatMap((link) => addresses(link)));
  const used = [...outside, ...Object.values(workflow.results)].filter((address) =>
    names.has(split(address)[0]),
  );
  const last = used.length > 0 ? used : unusedOutputs(workflow, names, kinds);
  if (last.length === 0) {
    throw new CannotCollapse("nothing comes out of the selection; choose a node with an output");
  }
  const results: Record<string, string> = {};
  for (const address of new Set(last)) {
    const [, output] = split(address);
    results[freeName(output, (one) => own(results, one) !== undefined)] = address;
  }
  return results;
}

function unusedOutputs(workflow: Workflow, names: ReadonlySet<string>, kinds: Kinds): string[] {
  const used = new Set(
    Object.values(workflow.nodes).flatMap((call) =>
      Object.values(call.links).flatMap((link) => addresses(link)),
    ),
  );
  return [...names].flatMap((name) => {
    const kind = own(kinds, own(workflow.nodes, name)?.type ?? "");
    const outputs = Object.keys(kind?.outputs ?? {}).map((output) => `${name}.${output}`);
    return outputs.some((address) => used.has(address)) ? [] : outputs.slice(0, 1);
  });
}

/** A node between two of the selection would come before and after the template at once. */
function refuseWhatLeadsRound(workflow: Workflow, names: ReadonlySet<string>) {
  const sources = (name: string) =>
    Object.values(own(workflow.nodes, name)?.links ?? {}).flatMap((link) =>
      addresses(link).map((address) => split(address)[0]),
    );
  const todo = [...names].flatMap(sources).filter((name) => !names.has(name));
  const seen = new Set<string>();
  while (todo.length > 0) {
    const name = todo.pop() as string;
    if (seen.has(name)) continue;
    seen.add(name);
    for (const source of sources(name)) {
      if (names.has(source)) {
        throw new CannotCollapse(
          `${name} lies between nodes of the selection; choose it too, so that wires do not lead round`,
        );
      }
      todo.push(source);
    }
  }
}

function middle(workflow: Workflow, names: ReadonlySet<string>): Place {
  const places = [...names].flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [place] : [];
  });
  return middleOf(places);
}

function unique(link: Link): Link {
  if (typeof link === "string") return link;
  const each = [...new Set(link)];
  return each.length === 1 ? (each[0] as string) : each;
}

/** `Edges of a photo` is the type `EdgesOfAPhoto`. */
function typeFor(title: string): string {
  const words = title.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Za-z]/.test(name) ? name : `Template${name}`;
}
