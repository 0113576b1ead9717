/** Edits of nodes: added, removed, renamed, set; every function returns a new workflow. */

import type { Input, Kinds } from "./kinds";
import { linkMapped, linksMapped, linksWithout, linkWithout, withCall } from "./links";
import { mapRecord, own, same, withKey, without } from "./records";
import { moved, type Place } from "./view/places";
import { viewRenamed, viewWithout } from "./view/folded";
import { freeName, split, type Call, type Json, type Workflow } from "./workflow";

/** Add a node that nothing is said about yet, and tell its name. */
export function addNode(workflow: Workflow, type: string, at: Place): [Workflow, string] {
  const name = freeName(nameFor(type), (candidate) => own(workflow.nodes, candidate) !== undefined);
  const call: Call = { type, values: {}, links: {} };
  const added = { ...workflow, nodes: { ...workflow.nodes, [name]: call } };
  return [moved(added, { [name]: at }), name];
}

/** `LoadBaseModel` becomes `load_base_model`, `./parts/edges.json` becomes `edges`. */
export function nameFor(type: string): string {
  const words = (type.split("/").pop() ?? "")
    .replace(/\.json$/i, "")
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$3_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[_0-9]+|_+$/g, "");
  return words || "node";
}

/** Take nodes out, with every wire, param and result that leads to them. */
export function removeNodes(
  workflow: Workflow,
  names: ReadonlySet<string>,
  kinds: Kinds = {},
): Workflow {
  if (![...names].some((name) => own(workflow.nodes, name))) return workflow;
  const gone = (address: string) => names.has(split(address)[0]);
  return {
    ...workflow,
    nodes: mapRecord(without(workflow.nodes, names), (call) =>
      linksWithout(call, gone, own(kinds, call.type)),
    ),
    params: mapRecord(workflow.params, (param) => {
      const to = linkWithout(param.to, gone);
      return to === undefined ? undefined : to === param.to ? param : { ...param, to };
    }),
    results: mapRecord(workflow.results, (address) => (gone(address) ? undefined : address)),
    view: viewWithout(workflow.view, names),
  };
}

/** Give a node another name, wherever it is named. */
export function renameNode(workflow: Workflow, old: string, name: string): Workflow {
  if (old === name || !own(workflow.nodes, old) || own(workflow.nodes, name)) return workflow;
  const renamed = (address: string) => {
    const [node, port] = split(address);
    return node === old ? `${name}.${port}` : address;
  };
  return {
    ...workflow,
    nodes: withKey(
      mapRecord(workflow.nodes, (call) => linksMapped(call, renamed)),
      old,
      name,
    ),
    params: mapRecord(workflow.params, (param) => {
      const to = linkMapped(param.to, renamed);
      return to === param.to ? param : { ...param, to };
    }),
    results: mapRecord(workflow.results, renamed),
    view: viewRenamed(workflow.view, old, name),
  };
}

/** Give an input a value; what equals the default, or is undefined, is not stored. */
export function setValue(
  workflow: Workflow,
  node: string,
  input: string,
  value: Json | undefined,
  described?: Input,
): Workflow {
  const call = own(workflow.nodes, node);
  if (!call) return workflow;
  const unset = value === undefined || (described !== undefined && same(value, described.default));
  if (unset && own(call.values, input) === undefined) return workflow;
  if (!unset && same(own(call.values, input), value)) return workflow;
  const values = unset
    ? without(call.values, new Set([input]))
    : { ...call.values, [input]: value };
  return withCall(workflow, node, { ...call, values });
}

/** Give the document another title. */
export function setTitle(workflow: Workflow, title: string): Workflow {
  return title === workflow.title ? workflow : { ...workflow, title };
}
