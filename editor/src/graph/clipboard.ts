/** Copy and paste: the clipboard holds a workflow of the copied nodes, as text. */

import { linksMapped, linksWithout } from "./links";
import { readWorkflow, toText } from "./document";
import { moved, placeOf, type Place } from "./view/places";
import { EMPTY, freeName, split, type Call, type Workflow } from "./workflow";
import { mapRecord, own, same } from "./records";

/** The text of the chosen nodes, with all their wires and the templates they use. */
export function copied(workflow: Workflow, names: ReadonlySet<string>): string {
  const chosen = <T>(value: T, name: string) => (names.has(name) ? value : undefined);
  const nodes = mapRecord(workflow.nodes, chosen);
  const part: Workflow = { ...EMPTY, nodes, view: mapRecord(workflow.view, chosen) };
  return toText({ ...part, templates: usedTemplates(workflow, Object.values(nodes)) });
}

export interface Pasting {
  /** Where the upper left of what is pasted goes; without it, a little beside where it was. */
  readonly at?: Place;
  /** Keep the wires that come from nodes which were not copied. */
  readonly incoming?: boolean;
}

/**
 * Put the nodes of a workflow's text into another, under names that are free there.
 *
 * @throws NotAWorkflow where the text is none.
 */
export function pasted(
  workflow: Workflow,
  text: string,
  { at, incoming = false }: Pasting = {},
): [Workflow, string[]] {
  const part = readWorkflow(text);
  const [templates, types] = merged(workflow.templates, part.templates);
  const names = freeNames(workflow, Object.keys(part.nodes));
  const renamed = (address: string) => {
    const [node, port] = split(address);
    const name = names.get(node);
    return name === undefined ? address : `${name}.${port}`;
  };
  const lost = (address: string) => {
    const [node] = split(address);
    return !names.has(node) && !(incoming && own(workflow.nodes, node));
  };
  const nodes: Record<string, Call> = { ...workflow.nodes };
  for (const [old, call] of Object.entries(part.nodes)) {
    const type = types.get(call.type) ?? call.type;
    nodes[names.get(old) ?? old] = { ...linksMapped(linksWithout(call, lost), renamed), type };
  }
  const places = placesOf(part, names, at);
  return [moved({ ...workflow, nodes, templates }, places), [...names.values()]];
}

/** The templates that calls use, those that these use too. */
export function usedTemplates(
  workflow: Workflow,
  calls: readonly Call[],
): Record<string, Workflow> {
  const used: Record<string, Workflow> = {};
  const todo = calls.map((call) => call.type);
  while (todo.length > 0) {
    const type = todo.pop() as string;
    const template = own(workflow.templates, type);
    if (!template || Object.hasOwn(used, type)) continue;
    used[type] = template;
    todo.push(...Object.values(template.nodes).map((call) => call.type));
  }
  return used;
}

function freeNames(workflow: Workflow, wanted: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const old of wanted) {
    const name = freeName(old, (one) => used.has(one) || own(workflow.nodes, one) !== undefined);
    used.add(name);
    names.set(old, name);
  }
  return names;
}

/** Both sets of templates; one whose name means something else here gets another name. */
function merged(
  ours: Readonly<Record<string, Workflow>>,
  theirs: Readonly<Record<string, Workflow>>,
): [Readonly<Record<string, Workflow>>, Map<string, string>] {
  const types = new Map<string, string>();
  for (const [type, template] of Object.entries(theirs)) {
    const other = own(ours, type);
    const taken = (one: string) => own(ours, one) !== undefined || own(theirs, one) !== undefined;
    types.set(type, other && !same(other, template) ? freeName(type, taken) : type);
  }
  const templates: Record<string, Workflow> = { ...ours };
  for (const [type, template] of Object.entries(theirs)) {
    const name = types.get(type) ?? type;
    const nodes = mapRecord(template.nodes, (call) => {
      const inner = types.get(call.type);
      return inner === undefined || inner === call.type ? call : { ...call, type: inner };
    });
    if (!Object.hasOwn(templates, name)) templates[name] = { ...template, nodes };
  }
  return [types.size ? templates : ours, types];
}

function placesOf(
  part: Workflow,
  names: ReadonlyMap<string, string>,
  at: Place | undefined,
): Record<string, Place> {
  const placed = [...names].map(
    ([old, name], index) => [name, placeOf(part, old) ?? [index * 40, index * 40]] as const,
  );
  const left = Math.min(...placed.map(([, place]) => place[0]));
  const top = Math.min(...placed.map(([, place]) => place[1]));
  const [x, y] = at ? [at[0] - left, at[1] - top] : [40, 40];
  return Object.fromEntries(placed.map(([name, place]) => [name, [place[0] + x, place[1] + y]]));
}
