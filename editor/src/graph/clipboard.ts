/** The clipboard: a workflow of the copied nodes as text, pasted under free names. */

import { readWorkflow, toText } from "./document";
import { linksMapped, linksWithout } from "./links";
import { mapRecord, own, same } from "./records";
import { usedTemplates } from "./templates/used";
import { cornerOf, moved, placeOf, type Place } from "./view/places";
import { EMPTY, freeName, freeNames, split, type Call, type Workflow } from "./workflow";

/** The text of the chosen nodes, with all their wires and the templates they use. */
export function copied(workflow: Workflow, names: ReadonlySet<string>): string {
  const chosen = <T>(value: T, name: string) => (names.has(name) ? value : undefined);
  const nodes = mapRecord(workflow.nodes, chosen);
  const part: Workflow = { ...EMPTY, nodes, view: mapRecord(workflow.view, chosen) };
  return toText({ ...part, templates: usedTemplates(workflow.templates, Object.values(nodes)) });
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
  const taken = (name: string) => own(workflow.nodes, name) !== undefined;
  const names = freeNames(Object.keys(part.nodes), taken);
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
  const places = placesAt(part, names, at);
  return [moved({ ...workflow, nodes, templates }, places), [...names.values()]];
}

/** Both sets of templates; one whose name means something else here gets another name. */
function merged(
  ours: Readonly<Record<string, Workflow>>,
  theirs: Readonly<Record<string, Workflow>>,
): [Readonly<Record<string, Workflow>>, Map<string, string>] {
  const types = new Map<string, string>();
  for (const [type, template] of Object.entries(theirs)) {
    const mine = own(ours, type);
    const taken = (candidate: string) => own(ours, candidate) !== undefined || own(theirs, candidate) !== undefined;
    types.set(type, mine && !same(mine, template) ? freeName(type, taken) : type);
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

function placesAt(
  part: Workflow,
  names: ReadonlyMap<string, string>,
  at: Place | undefined,
): Record<string, Place> {
  const placed = [...names].map(
    ([old, name], index) => [name, placeOf(part, old) ?? [index * 40, index * 40]] as const,
  );
  const [left, top] = cornerOf(placed.map(([, place]) => place));
  const [x, y] = at ? [at[0] - left, at[1] - top] : [40, 40];
  return Object.fromEntries(placed.map(([name, place]) => [name, [place[0] + x, place[1] + y]]));
}
