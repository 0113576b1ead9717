/** A workflow's own inputs and outputs: its params and results. */

import { nameFor } from "./edits";
import { withoutParamAt } from "./wires";
import { addresses, freeName, own, split, without, type Workflow } from "./workflow";

/** The param that sets the input at `address`, if one does. */
export function paramAt(workflow: Workflow, address: string): string | undefined {
  const found = Object.entries(workflow.params).find(([, param]) =>
    addresses(param.to).includes(address),
  );
  return found?.[0];
}

/** The result that names the output at `address`, if one does. */
export function resultAt(workflow: Workflow, address: string): string | undefined {
  return Object.entries(workflow.results).find(([, one]) => one === address)?.[0];
}

/** Put an input on the workflow's form, or take it off. */
export function toggleParam(workflow: Workflow, address: string, label: string): Workflow {
  if (paramAt(workflow, address) !== undefined) return withoutParamAt(workflow, address);
  const [node, input] = split(address);
  if (own(own(workflow.nodes, node)?.links ?? {}, input) !== undefined) return workflow;
  const taken = (one: string) => own(workflow.params, one) !== undefined;
  const name = taken(input) ? freeName(`${node}_${input}`, taken) : input;
  const param = label && nameFor(label) !== name ? { to: address, label } : { to: address };
  return { ...workflow, params: { ...workflow.params, [name]: param } };
}

/** Keep what an output gives as a result of the workflow, or keep it no longer. */
export function toggleResult(workflow: Workflow, address: string): Workflow {
  const old = resultAt(workflow, address);
  if (old !== undefined) {
    return { ...workflow, results: without(workflow.results, new Set([old])) };
  }
  const [node, output] = split(address);
  const taken = (one: string) => own(workflow.results, one) !== undefined;
  const name = taken(node) ? freeName(`${node}_${output}`, taken) : node;
  return { ...workflow, results: { ...workflow.results, [name]: address } };
}

/** Give a param or a result another name; the values and places it stands for stay. */
export function renamePort(
  workflow: Workflow,
  side: "params" | "results",
  old: string,
  name: string,
): Workflow {
  const record: Readonly<Record<string, unknown>> = workflow[side];
  if (old === name || own(record, old) === undefined || own(record, name) !== undefined) {
    return workflow;
  }
  const renamed = Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key === old ? name : key, value]),
  );
  return { ...workflow, [side]: renamed };
}
