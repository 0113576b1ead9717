/** The link of one input as it is written: the order of its wires, and whether each run takes one item. */

import { withCall } from "./links";
import { own, reordered, without } from "./records";
import { addresses, type Link, type Workflow } from "./workflow";

export function withLink(
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

/** Put the wires of an input into another order. */
export function moveWire(
  workflow: Workflow,
  node: string,
  input: string,
  from: number,
  to: number,
): Workflow {
  const link = own(own(workflow.nodes, node)?.links ?? {}, input);
  if (link === undefined || typeof link === "string" || from === to) return workflow;
  if (from >= link.length || to < 0 || to >= link.length) return workflow;
  return withLink(workflow, node, input, reordered(link, from, to));
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
