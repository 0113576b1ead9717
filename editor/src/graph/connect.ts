/** Wires drawn, taken away and led elsewhere. */

import { settled, takesOneOfEach } from "./fit";
import { withLink } from "./inputLink";
import { takesSeveral, type Input, type Kinds } from "./kinds";
import { withCall } from "./links";
import { withoutParamAt } from "./ownPorts";
import type { Port } from "./port";
import { own, without } from "./records";
import type { Wire } from "./wires";
import { addresses, type Link, type Workflow } from "./workflow";

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
  const alone: Link = described && takesOneOfEach(described) ? [address] : address;
  const link: Link = several && old !== undefined ? [...addresses(old), address] : alone;
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
  const changed = link.map((source, place) => (place === index ? address : source));
  return withLink(workflow, node, input, changed);
}
