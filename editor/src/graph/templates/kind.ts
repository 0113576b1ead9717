/** The kind of a workflow used as a node: its params are the inputs, its results the outputs. */

import type { Input, Kind, Kinds, Output } from "../kinds";
import { addresses, split, type Json, type Workflow } from "../workflow";
import { mapRecord, own } from "../records";

/** The kinds there are for a document: the server's, and the templates it carries itself. */
export function kindsFor(kinds: Kinds, workflow: Workflow): Kinds {
  if (Object.keys(workflow.templates).length === 0) return kinds;
  const own = mapRecord(workflow.templates, (template, type) =>
    templateKind(type, template, kinds, workflow.templates),
  );
  return { ...kinds, ...own };
}

function templateKind(
  type: string,
  template: Workflow,
  kinds: Kinds,
  templates: Workflow["templates"],
): Kind {
  return {
    type,
    title: template.title || humanised(type.replace(/^.*\//, "").replace(/\.json$/i, "")),
    group: "templates",
    doc: template.title,
    sort: "template",
    inputs: mapRecord(template.params, (param, name) => ({
      ...inside(template, name, kinds, templates),
      title: param.label || humanised(name),
      ...(param.help ? { description: param.help } : {}),
    })),
    outputs: mapRecord(template.results, (_, name) => ({
      ...outputInside(template, name, kinds, templates),
      title: humanised(name),
    })),
  };
}

/** The input that a param stands for, with the stored value for its default. */
function inside(
  first: Workflow,
  param: string,
  kinds: Kinds,
  templates: Workflow["templates"],
): Input {
  let [workflow, name] = [first, param];
  let stored: Json | undefined;
  // A template that uses itself would lead round; the server says so.
  for (let depth = 0; depth < 32; depth++) {
    const [address] = addresses(own(workflow.params, name)?.to);
    const [node, port] = split(address ?? "");
    const call = own(workflow.nodes, node);
    if (!call) break;
    stored ??= own(call.values, port);
    const template = own(templates, call.type);
    if (!template) {
      const input = own(own(kinds, call.type)?.inputs ?? {}, port) ?? {};
      return stored === undefined ? input : { ...input, default: stored, required: false };
    }
    [workflow, name] = [template, port];
  }
  return {};
}

function outputInside(
  first: Workflow,
  result: string,
  kinds: Kinds,
  templates: Workflow["templates"],
): Output {
  let [workflow, name] = [first, result];
  for (let depth = 0; depth < 32; depth++) {
    const [node, port] = split(own(workflow.results, name) ?? "");
    const call = own(workflow.nodes, node);
    if (!call) break;
    const template = own(templates, call.type);
    if (!template) return own(own(kinds, call.type)?.outputs ?? {}, port) ?? {};
    [workflow, name] = [template, port];
  }
  return {};
}

/** Spell a name for people: `LoadImage` is `Load image`, `low_size` is `Low size`. */
export function humanised(name: string): string {
  const words = name.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+/).filter(Boolean);
  const spelled = words.map((word) =>
    word.length > 1 && word === word.toUpperCase() ? word : word.toLowerCase(),
  );
  const text = spelled.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
