/** A new name of a template's port, wherever the workflow uses it. */

import { linkMapped, linksMapped } from "../links";
import { renamePort, type OwnPorts } from "../ownPorts";
import { split, type Workflow } from "../workflow";
import { mapRecord, own, withKey } from "../records";

interface Renaming {
  readonly type: string;
  readonly side: OwnPorts;
  readonly old: string;
  readonly name: string;
}

/** Rename a param or a result of a template that the workflow carries; its calls follow. */
export function renameTemplatePort(workflow: Workflow, renaming: Renaming): Workflow {
  const { type, side, old, name } = renaming;
  const template = own(workflow.templates, type);
  const renamed = template && renamePort(template, side, old, name);
  if (!template || !renamed || renamed === template) return workflow;
  const templates = mapRecord({ ...workflow.templates, [type]: renamed }, (inner) => followed(inner, renaming));
  return followed({ ...workflow, templates }, renaming);
}

/** The same workflow, in which the calls of the template use its port's new name. */
function followed(workflow: Workflow, { type, side, old, name }: Renaming): Workflow {
  const isCall = (node: string) => own(workflow.nodes, node)?.type === type;
  if (!Object.keys(workflow.nodes).some(isCall)) return workflow;
  const renamed = (address: string) => {
    const [node, port] = split(address);
    return isCall(node) && port === old ? `${node}.${name}` : address;
  };
  if (side === "results") {
    return {
      ...workflow,
      nodes: mapRecord(workflow.nodes, (call) => linksMapped(call, renamed)),
      results: mapRecord(workflow.results, renamed),
    };
  }
  return {
    ...workflow,
    nodes: mapRecord(workflow.nodes, (call, node) =>
      isCall(node)
        ? { ...call, values: withKey(call.values, old, name), links: withKey(call.links, old, name) }
        : call,
    ),
    params: mapRecord(workflow.params, (param) => ({ ...param, to: linkMapped(param.to, renamed) })),
  };
}
