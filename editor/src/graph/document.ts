/** The text of a workflow: read from a file as it may be, and written as the engine would. */

import {
  addresses,
  EMPTY,
  type Call,
  type Json,
  type Link,
  type Param,
  type Workflow,
} from "./workflow";
import { mapRecord } from "./records";
import { parseStrictly } from "./strictJson";

/** A text is no workflow; the message is a sentence for the person who gave it. */
export class NotAWorkflow extends Error {}

type Loose = Record<string, unknown>;

const CALL = { type: "", values: {}, links: {} } satisfies Call;
const PARAM = { to: "", label: "", help: "" } satisfies Param;

/** Read a workflow's JSON text, or JSON that was parsed already. */
export function readWorkflow(source: unknown): Workflow {
  const document = typeof source === "string" ? parsed(source) : source;
  if (!isObject(document)) throw new NotAWorkflow("a workflow is an object with nodes");
  if (isComfy(document)) {
    throw new NotAWorkflow("this is a workflow of ComfyUI, which has another format");
  }
  if (document["format"] !== undefined && document["format"] !== 1) {
    throw new NotAWorkflow(`format ${JSON.stringify(document["format"])} is not known here, only 1`);
  }
  // The engine writes an empty workflow without its nodes.
  if (document["nodes"] === undefined && document["format"] === undefined) {
    throw new NotAWorkflow("it has no nodes, so it is no workflow");
  }
  refuseUnknown(document, EMPTY);
  return {
    ...EMPTY,
    title: typeof document["title"] === "string" ? document["title"] : "",
    nodes: mapRecord(objectAt(document, "nodes"), readCall),
    params: mapRecord(objectAt(document, "params"), readParam),
    results: mapRecord(objectAt(document, "results"), readResult),
    models: objectAt(document, "models") as Record<string, Json>,
    templates: mapRecord(objectAt(document, "templates"), readTemplate),
    view: objectAt(document, "view") as Record<string, Json>,
  };
}

/** The document as it is stored and sent: without what is empty, but for its nodes. */
export function toDocument(workflow: Workflow): Record<string, Json> {
  const document: Record<string, Json> = { format: 1 };
  if (workflow.title) document["title"] = workflow.title;
  // Even where there are none: that there are none is what an empty workflow says.
  document["nodes"] = mapRecord(workflow.nodes, callDocument);
  put(document, "params", workflow.params as unknown as Record<string, Json>);
  put(document, "results", workflow.results);
  put(document, "models", workflow.models);
  put(document, "templates", mapRecord(workflow.templates, toDocument));
  put(document, "view", workflow.view);
  return document;
}

/** The canonical text: two spaces, one last newline. */
export function toText(workflow: Workflow): string {
  return `${JSON.stringify(toDocument(workflow), null, 2)}\n`;
}

function callDocument(call: Call): Record<string, Json> {
  const document: Record<string, Json> = { type: call.type };
  put(document, "values", call.values);
  put(document, "links", call.links);
  return document;
}

function put(document: Record<string, Json>, key: string, part: Readonly<Record<string, Json>>) {
  if (Object.keys(part).length > 0) document[key] = part;
}

/** The engine writes no format into what is inside a workflow. */
function readTemplate(template: unknown): Workflow {
  return readWorkflow(isObject(template) ? { format: 1, ...template } : template);
}

function readCall(call: unknown, name: string): Call {
  if (!isObject(call) || typeof call["type"] !== "string") {
    throw new NotAWorkflow(`${name}: a node is an object with a type`);
  }
  refuseUnknown(call, CALL, name);
  return {
    type: call["type"],
    values: objectAt(call, "values", name) as Record<string, Json>,
    links: mapRecord(objectAt(call, "links", name), (link, input) =>
      readLink(link, `${name}.${input}`),
    ),
  };
}

function readLink(link: unknown, where: string): Link {
  if (typeof link === "string") return link;
  if (Array.isArray(link) && link.every((part) => typeof part === "string")) return link;
  throw new NotAWorkflow(`${where}: a link is written "node.output", or as an array of such`);
}

function readParam(param: unknown, name: string): Param {
  if (!isObject(param)) throw new NotAWorkflow(`params.${name}: should be an object`);
  refuseUnknown(param, PARAM, `params.${name}`);
  const to = readLink(param["to"], `params.${name}`);
  if (addresses(to).length === 0) throw new NotAWorkflow(`params.${name}: sets no input`);
  return {
    to,
    ...(typeof param["label"] === "string" && param["label"] ? { label: param["label"] } : {}),
    ...(typeof param["help"] === "string" && param["help"] ? { help: param["help"] } : {}),
  };
}

function readResult(result: unknown, name: string): string {
  if (typeof result === "string") return result;
  throw new NotAWorkflow(`results.${name}: should be written "node.output"`);
}

function objectAt(document: Loose, key: string, where = ""): Loose {
  const part = document[key] ?? {};
  if (isObject(part)) return part;
  throw new NotAWorkflow(`${where ? `${where}.` : ""}${key} should be an object`);
}

/** What is not understood would be lost by saving, so it is not read over. */
function refuseUnknown(part: Loose, known: object, where = "it") {
  const unknown = Object.keys(part).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return;
  throw new NotAWorkflow(`${where} has “${unknown}”, which is not known here: a newer version may have made it`);
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Both of its forms: the drawing (`nodes` is an array) and what is sent to run (`class_type`). */
function isComfy(document: Loose): boolean {
  if (Array.isArray(document["nodes"]) && Array.isArray(document["links"])) return true;
  const entries = Object.values(document);
  return entries.length > 0 && entries.every((entry) => isObject(entry) && "class_type" in entry);
}

function parsed(text: string): unknown {
  try {
    return parseStrictly(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new NotAWorkflow(`this is not JSON: ${(error as Error).message}`);
  }
}
