/** The templates that calls use, and those that these use in turn. */

import { mapRecord, own } from "../records";
import type { Call, Workflow } from "../workflow";

type Templates = Workflow["templates"];

/** Those of `templates` that some calls need. */
export function usedTemplates(templates: Templates, calls: readonly Call[]): Templates {
  const used = new Set<string>();
  const todo = calls.map((call) => call.type);
  while (todo.length > 0) {
    const type = todo.pop() as string;
    const template = own(templates, type);
    if (!template || used.has(type)) continue;
    used.add(type);
    todo.push(...Object.values(template.nodes).map((call) => call.type));
  }
  return mapRecord(templates, (template, type) => (used.has(type) ? template : undefined));
}
