/** The inside of a template made of a selection: its nodes, and its own inputs and outputs. */

import type { Kinds } from "../kinds";
import { dependenciesOf, sourcesOf } from "../links";
import { own, same } from "../records";
import {
  addresses,
  freeName,
  split,
  type Call,
  type Link,
  type Param,
  type Workflow,
} from "../workflow";

/** The selection cannot become a template; the message says why, and what would help. */
export class CannotCollapse extends Error {}

interface Parts {
  readonly nodes: Record<string, Call>;
  readonly params: Record<string, Param>;
  readonly links: Record<string, Link>;
}

/** The nodes without their wires from outside; each source of these is a param. */
export function insideOf(workflow: Workflow, names: ReadonlySet<string>): Parts {
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
    const free = freeName(param, (name) => own(parts.params, name) !== undefined);
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
  const existing = Object.keys(parts.links).find((name) => same(parts.links[name], link));
  const param = existing === undefined ? undefined : parts.params[existing];
  if (existing !== undefined && param) {
    parts.params[existing] = { to: [...addresses(param.to), address] };
    return;
  }
  const [, input] = split(address);
  const name = freeName(input, (name) => own(parts.params, name) !== undefined);
  parts.params[name] = { to: address };
  parts.links[name] = link;
}

/** The outputs that are used outside; where none is, those that nothing inside uses. */
export function resultsOf(
  workflow: Workflow,
  names: ReadonlySet<string>,
  kinds: Kinds,
): Record<string, string> {
  const outside = Object.entries(workflow.nodes)
    .filter(([name]) => !names.has(name))
    .flatMap(([, call]) => sourcesOf(call));
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
    results[freeName(output, (name) => own(results, name) !== undefined)] = address;
  }
  return results;
}

function unusedOutputs(workflow: Workflow, names: ReadonlySet<string>, kinds: Kinds): string[] {
  const used = new Set(Object.values(workflow.nodes).flatMap(sourcesOf));
  return [...names].flatMap((name) => {
    const kind = own(kinds, own(workflow.nodes, name)?.type ?? "");
    const outputs = Object.keys(kind?.outputs ?? {}).map((output) => `${name}.${output}`);
    return outputs.some((address) => used.has(address)) ? [] : outputs.slice(0, 1);
  });
}

/** A node between two of the selection would come before and after the template at once. */
export function refuseWhatLeadsRound(workflow: Workflow, names: ReadonlySet<string>) {
  const sources = (name: string) => dependenciesOf(own(workflow.nodes, name));
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

export function unique(link: Link): Link {
  if (typeof link === "string") return link;
  const targets = [...new Set(link)];
  return targets.length === 1 ? (targets[0] as string) : targets;
}
