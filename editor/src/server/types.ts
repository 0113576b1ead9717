/** What the server says and takes, as the rest of the page names it. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** One mistake of a workflow, at its address (`edges.low_threshold`). */
export interface Problem {
  address: string;
  message: string;
}

/** A workflow as JSON; what is in it, only `graph/` knows. */
export type WorkflowDocument = object;

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

export interface ModelName {
  name: string;
  family: string | null;
  built_in: boolean;
}

/** By what they are: `base`, `controlnet`, `lora`, … */
export type Models = Record<string, ModelName[]>;

export interface WorkflowEntry {
  name: string;
  title: string;
  shipped: boolean;
  version: string;
  modified: number | null;
  params: string[];
  results: string[];
}

export interface StoredWorkflow {
  name: string;
  shipped: boolean;
  version: string;
  workflow: WorkflowDocument;
}

export interface Form {
  title: string;
  /** An object schema: one property a param, in the order in which they are shown. */
  schema: Schema;
  results: string[];
}

export interface Check {
  ok: boolean;
  problems: Problem[];
  warnings: Problem[];
}

export interface ExplainLine {
  name: string;
  items: Items;
  state: "cached" | "runs" | "waits" | "fails";
  why: string;
}

export type JobState = "queued" | "running" | "done" | "failed" | "cancelled";

export interface JobResult {
  result: string;
  item: number | null;
  asset: string | null;
  width: number | null;
  height: number | null;
  /** JSON text of a value that is no picture. */
  text: string | null;
}

export interface Job {
  id: string;
  seq: number;
  title: string;
  state: JobState;
  priority: number;
  /** Among equal priorities, lower goes first. */
  place: number;
  attempts: number;
  created: number;
  started: number | null;
  finished: number | null;
  error: { problems: Problem[] } | null;
  results: JobResult[];
  counts: { ran?: number; cached?: number };
  done: number;
  total: number;
  only: string[] | null;
  cancel_requested: boolean;
}

export interface JobRequest {
  workflow?: WorkflowDocument;
  name?: string;
  params?: Record<string, Json>;
  only?: string[];
  priority?: number;
  title?: string;
}

export interface JobPage {
  jobs: Job[];
  next: string | null;
}

/** A picture in the gallery. */
export interface GalleryResult {
  asset: string;
  job: string;
  result: string;
  item: number | null;
  width: number;
  height: number;
  created: number;
  title: string;
}

export interface GalleryPage {
  results: GalleryResult[];
  next: string | null;
}

export interface Asset {
  asset: string;
  name: string;
  width: number;
  height: number;
}

export interface System {
  version: string;
  python: string;
  editor: { built: boolean; stale: boolean };
  database: { kind: string; journal: string };
  devices: { name: string; state: "starting" | "idle" | "busy" | "down"; job: string | null; starts: number }[];
  queue: { queued: number; running: number; limit: number };
  cache: { tier: string; bytes: number; limit: number; entries: number }[];
  budgets: Record<string, Json>;
}

export interface ErrorBody {
  error: { code: string; message: string; problems?: Problem[] };
}

/** Which items of a node an event is about; none where the node has but one. */
export type Items = number[];

/** What each kind of event tells. */
export interface EventData {
  "job.queued": { title: string; priority: number };
  "job.started": { device: string; attempt: number };
  "job.progress": { done: number; total: number };
  "job.done": { results: JobResult[]; counts: { ran: number; cached: number }; seconds: number };
  "job.failed": { problems: Problem[] };
  "job.cancelled": Record<string, never>;
  "job.requeued": { why: string };
  "node.started": { node: string; items: Items };
  "node.progress": { node: string; items: Items; done: number; total: number };
  "node.cached": { node: string; items: Items };
  "node.finished": { node: string; items: Items; seconds: number };
  "node.failed": { node: string; items: Items; message: string };
  "node.skipped": { node: string; items: Items; because: string };
  "node.result": { node: string; output: string; assets: string[] };
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
