/** Draw wires, take them away, put them in order. */

import { linkWithout, withCall } from "./edits";
import { settled, takesOneOfEach } from "./fit";
import { takesSeveral, type Input, type Kinds } from "./kinds";
import type { Port } from "./port";
import type { Wire } from "./wires";
import { addresses, mapRecord, own, without, type Link, type Workflow } from "./workflow";

/**
 * Draw a wire into an input: one more where the input takes several (or `more` says so), else in
 * place of what was there. Its value goes, and so does a param that stands for it: a linked input
 * has none.
 */
export function connect(
  workflow: Workflow,
  address: string,
  node: string,
  input: string,
  described?: Input,
  more = false,
): Workflow {
  const call = own(workflow.nodes, node);
  if (!call) return workflow;
  const old = own(call.links, input);
  const several = more || Array.isArray(old) || (described !== undefined && takesSeveral(described));
  if (several && addresses(old).includes(address)) return workflow;
  const one: Link = described && takesOneOfEach(described) ? [address] : address;
  const link: Link = several && old !== undefined ? [...addresses(old), address] : one;
  if (link === old) return workflow;
  const values = without(call.values, new Set([input]));
  const linked = withCall(workflow, node, { ...call, values, links: { ...call.links, [input]: link } });
  return withoutParamAt(linked, `${node}.${input}`);
}

/** Connect a port with one of another node, whichever of them is the output. */
export function connectPorts(
  workflow: Workflow,
  from: Port,
  to: Omit<Port, "side">,
  kinds: Kinds,
): Workflow {
  const [source, target] = from.side === "out" ? [from, to] : [to, from];
  const kind = own(kinds, own(workflow.nodes, target.node)?.type ?? "");
  const input = own(kind?.inputs ?? {}, target.port);
  return connect(workflow, `${source.node}.${source.port}`, target.node, target.port, input);
}

/** Take away the `index`-th wire of an input; `kinds` tell what a single one that is left means. */
export function disconnect(
  workflow: Workflow,
  node: string,
  input: string,
  index = 0,
  kinds: Kinds = {},
): Workflow {
  const call = own(workflow.nodes, node);
  const link = call && own(call.links, input);
  if (!call || link === undefined || index >= addresses(link).length) return workflow;
  const left = addresses(link).filter((_, place) => place !== index);
  if (typeof link === "string" || left.length === 0) {
    return withLink(workflow, node, input, undefined);
  }
  const described = own(own(kinds, call.type)?.inputs ?? {}, input);
  return withLink(workflow, node, input, settled(left, described));
}

/** Take away several wires at once. */
export function disconnectAll(
  workflow: Workflow,
  wires: readonly Wire[],
  kinds: Kinds = {},
): Workflow {
  // From the last: taking one away moves those behind it.
  const ordered = [...wires].sort((left, right) => right.index - left.index);
  return ordered.reduce(
    (changed, wire) => disconnect(changed, wire.target, wire.input, wire.index, kinds),
    workflow,
  );
}

/** Let the `index`-th wire of an input come from another output. */
export function reconnect(
  workflow: Workflow,
  node: string,
  input: string,
  index: number,
  address: string,
): Workflow {
  const call = own(workflow.nodes, node);
  const link = call && own(call.links, input);
  if (link === undefined || addresses(link)[index] === undefined) return workflow;
  if (addresses(link)[index] === address) return workflow;
  if (typeof link === "string") return withLink(workflow, node, input, address);
  const changed = link.map((one, place) => (place === index ? address : one));
  return withLink(workflow, node, input, changed);
}

/** Put the wires of an input into another order. */
export function moveWire(
  workflow: Workflow,
  node: string,
  input: string,
  from: number,
  to: number,
): Workflow {
  const link = own(own(workflow.nodes, node)?.links ?? {}, input);
  if (!Array.isArray(link) || from === to) return workflow;
  const ordered = [...(link as string[])];
  const [taken] = ordered.splice(from, 1);
  if (taken === undefined || to < 0 || to > ordered.length) return workflow;
  ordered.splice(to, 0, taken);
  return withLink(workflow, node, input, ordered);
}

/** Say whether a single wire gives all its items at once, or one of them for each run. */
export function setOneOfEach(
  workflow: Workflow,
  node: string,
  input: string,
  each: boolean,
): Workflow {
  const link = own(own(workflow.nodes, node)?.links ?? {}, input);
  const only = addresses(link)[0];
  if (only === undefined || addresses(link).length !== 1 || Array.isArray(link) === each) {
    return workflow;
  }
  return withLink(workflow, node, input, each ? [only] : only);
}

/** Let no param stand for an input any more; one that stood for nothing else goes. */
export function withoutParamAt(workflow: Workflow, address: string): Workflow {
  const named = (param: { to: Link }) => addresses(param.to).includes(address);
  if (!Object.values(workflow.params).some(named)) return workflow;
  const params = mapRecord(workflow.params, (param) => {
    const to = linkWithout(param.to, (one) => one === address);
    return to === undefined ? undefined : to === param.to ? param : { ...param, to };
  });
  return { ...workflow, params };
}

function withLink(
  workflow: Workflow,
  node: string,
  input: string,
  link: Link | undefined,
): Workflow {
  const call = own(workflow.nodes, node);
  if (!call) return workflow;
  const links =
    link === undefined ? without(call.links, new Set([input])) : { ...call.links, [input]: link };
  return withCall(workflow, node, { ...call, links });
}
