/** A workflow's own inputs and outputs: its params and results. */

import { nameFor } from "./edits";
import { linkWithout } from "./links";
import { mapRecord, own, withKey, without } from "./records";
import { addresses, freeName, NAME, split, type Link, type Workflow } from "./workflow";

/** The param that sets the input at `address`, if one does. */
export function paramAt(workflow: Workflow, address: string): string | undefined {
  const entry = Object.entries(workflow.params).find(([, param]) =>
    addresses(param.to).includes(address),
  );
  return entry?.[0];
}

/** The result that names the output at `address`, if one does. */
export function resultAt(workflow: Workflow, address: string): string | undefined {
  return Object.entries(workflow.results).find(([, output]) => output === address)?.[0];
}

/** Put an input on the workflow's form, or take it off. */
export function toggleParam(workflow: Workflow, address: string, label: string): Workflow {
  if (paramAt(workflow, address) !== undefined) return withoutParamAt(workflow, address);
  const [node, input] = split(address);
  if (own(own(workflow.nodes, node)?.links ?? {}, input) !== undefined) return workflow;
  const taken = (name: string) => own(workflow.params, name) !== undefined;
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
  const taken = (name: string) => own(workflow.results, name) !== undefined;
  const name = taken(node) ? freeName(`${node}_${output}`, taken) : node;
  return { ...workflow, results: { ...workflow.results, [name]: address } };
}

/** Which of a workflow's own ports: those that set inputs, or those that keep outputs. */
export type OwnPorts = "params" | "results";

/** Give a param or a result another name; the values and places it stands for stay. */
export function renamePort(
  workflow: Workflow,
  side: OwnPorts,
  old: string,
  name: string,
): Workflow {
  const record: Readonly<Record<string, unknown>> = workflow[side];
  if (old === name || own(record, old) === undefined || own(record, name) !== undefined) {
    return workflow;
  }
  return { ...workflow, [side]: withKey(record, old, name) };
}

/** Say what a param is called on the form; an empty label leaves it to its name. */
export function setLabel(workflow: Workflow, name: string, label: string): Workflow {
  const param = own(workflow.params, name);
  if (!param || (param.label ?? "") === label) return workflow;
  const { label: _, ...rest } = param;
  const labelled = label ? { ...rest, label } : rest;
  return { ...workflow, params: { ...workflow.params, [name]: labelled } };
}

/** Why something cannot be called so; undefined where it can. */
export function whyNotNamed(name: string, word: string, taken: Readonly<Record<string, unknown>>): string | undefined {
  if (!NAME.test(name)) {
    return `“${name}” is no name: use small letters, digits and _, beginning with a letter`;
  }
  return own(taken, name) === undefined ? undefined : `there is a ${word} called “${name}” already`;
}

/** Let no param stand for an input any more; one that stood for nothing else goes. */
export function withoutParamAt(workflow: Workflow, address: string): Workflow {
  const named = (param: { to: Link }) => addresses(param.to).includes(address);
  if (!Object.values(workflow.params).some(named)) return workflow;
  const params = mapRecord(workflow.params, (param) => {
    const to = linkWithout(param.to, (target) => target === address);
    return to === undefined ? undefined : to === param.to ? param : { ...param, to };
  });
  return { ...workflow, params };
}
