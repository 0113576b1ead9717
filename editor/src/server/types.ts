/** What the server says and takes, as the rest of the page names it. */

import type { Json } from "../graph/workflow";
import type { components } from "./openapi";

type Told = components["schemas"];

export type { Json };

/** A workflow as JSON; what is in it, only `graph/` knows. */
export type WorkflowDocument = object;

export type Problem = Told["Problem"];
export type Refusal = Told["Refusal"];
export type Check = Told["Checked"];
export type ExplainLine = Told["Fate"];
export type ModelName = Told["Model"];
export type WorkflowEntry = Told["Kept"];
export type StoredWorkflow = Told["KeptWorkflow"];
export type Job = Told["Job"];
export type JobState = Job["state"];
export type JobResult = Told["JobResult"];
export type JobPage = Told["JobList"];
export type GalleryResult = Told["Shown"];
export type GalleryPage = Told["ShownList"];
export type Asset = Told["Asset"];
export type System = Told["System"];

/** What was computed otherwise than asked, for want of memory, in words: `batch 2`, `tiled`. */
export interface Degraded {
  degraded?: string[];
}

/** A job to be queued. OpenAPI's JSON values are looser than ours, so two fields are narrowed. */
export type JobRequest = Omit<Partial<Told["SubmitBody"]>, "workflow" | "params"> & {
  workflow?: WorkflowDocument;
  params?: Record<string, Json>;
};

/** By what they are: `base`, `controlnet`, `lora`, … */
export type Models = Record<string, ModelName[]>;

export type Form = Omit<Told["Form"], "schema"> & {
  /** An object schema: one property a param, in the order in which they are shown. */
  schema: Schema;
};

/** JSON Schema as far as it is used: by ports of nodes and by forms. */
export interface Schema {
  title?: string;
  description?: string;
  type?: string | string[];
  wire?: string;
  enum?: Json[];
  const?: Json;
  default?: Json;
  examples?: Json[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  format?: string;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
}

/** A port of a node: what fits it, and how it takes a list. */
export interface InputPort extends Omit<Schema, "required"> {
  /** It has no default: it needs a value or a link. */
  required: boolean;
  /** A list of values runs the node once for each. */
  maps: boolean;
  /** One value may stand for several (a folder of pictures). */
  expands?: boolean;
  /** It names a model, of this list of `GET /v1/models` among others. */
  models?: string;
}

export interface NodeKind {
  type: string;
  title: string;
  group: string;
  doc: string;
  sort: "node" | "composite" | "template";
  inputs: Record<string, InputPort>;
  outputs: Record<string, Schema>;
  version?: number;
  pure?: boolean;
  lane?: string;
}

export interface NodeList {
  nodes: NodeKind[];
  refused: { source: string; reason: string }[];
}

/** Which items of a node an event is about; none where the node has but one. */
export type Items = number[];

/** What each kind of event tells. */
export interface EventData {
  "job.queued": { title: string; priority: number };
  "job.moved": { priority: number; place: number };
  "job.started": { device: string; attempt: number };
  "job.progress": { done: number; total: number };
  "job.done": Degraded & {
    results: JobResult[];
    counts: Job["counts"];
    seconds: number;
  };
  "job.failed": Degraded & { problems: Problem[]; results: JobResult[] };
  "job.cancelling": Record<string, never>;
  "job.cancelled": Record<string, never>;
  "job.requeued": { why: string };
  "job.deleted": { id: string };
  "node.started": { node: string; items: Items };
  "node.progress": { node: string; items: Items; done: number; total: number; resumed?: true };
  "node.cached": { node: string; items: Items };
  "node.finished": Degraded & { node: string; items: Items; seconds: number; resumed?: string };
  "node.failed": { node: string; items: Items; message: string };
  "node.skipped": { node: string; items: Items; because: string };
  "node.result": { node: string; items: Items; output: string; assets: string[] };
  "queue.changed": { queued: number; running: number };
}

export type EventKind = keyof EventData;

/** What happened, numbered by the database: a client says its last number and misses nothing. */
export type ServerEvent = {
  [Kind in EventKind]: {
    type: "event";
    seq: number;
    job: string | null;
    time: number;
    kind: Kind;
    data: EventData[Kind];
  };
}[EventKind];

export type ServerMessage =
  | ServerEvent
  | { type: "welcome"; seq: number; client: string }
  | { type: "pong" }
  | { type: "gap"; after: number };

/** The header of a binary preview frame; JPEG bytes follow. */
export interface PreviewHeader {
  job: string;
  node: string;
  items: Items;
  done: number;
  total: number;
  width: number;
  height: number;
}
