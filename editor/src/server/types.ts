/** What the server says and takes, as the rest of the page names it. */

import type { Json } from "../contract/json";
import type { components } from "../contract/openapi";

export type { Json };

type Schemas = components["schemas"];

/** A workflow as JSON; what is in it, only `graph/` knows. */
export type WorkflowDocument = object;

export type Problem = Schemas["Problem"];
export type Refusal = Schemas["Refusal"];
export type Check = Schemas["Check"];
export type ExplainLine = Schemas["ExplainLine"];
export type ModelName = Schemas["Model"];
export type WorkflowEntry = Schemas["WorkflowEntry"];
export type StoredWorkflow = Schemas["StoredWorkflow"];
export type Job = Schemas["Job"];
export type JobState = Job["state"];
export type JobResult = Schemas["JobResult"];
export type JobPage = Schemas["JobList"];
export type GalleryResult = Schemas["GalleryResult"];
export type GalleryPage = Schemas["GalleryResultList"];
/** Where a picture is kept: what runs were to make, what tries made, what was deleted. */
export type Shelf = "results" | "tries" | "bin";
export type Asset = Schemas["Asset"];
export type System = Schemas["System"];

/** A job to be queued. OpenAPI's JSON values are looser than ours, so two fields are narrowed. */
export type JobRequest = Omit<Partial<Schemas["SubmitBody"]>, "workflow" | "params"> & {
  workflow?: WorkflowDocument;
  params?: Record<string, Json>;
};

/** By what they are: `base`, `controlnet`, `lora`, … */
export type Models = Record<string, ModelName[]>;

export type Form = Omit<Schemas["Form"], "schema"> & {
  /** An object schema: one property a param, in the order in which they are shown. */
  schema: Schema;
};

/** JSON Schema as far as it is used by forms: that of ports, and of objects. */
export type Schema = Schemas["PortSchema"] & {
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
};

export type NodeList = Schemas["NodeList"];

/** Which items of a node an event is about; none where the node has but one. */
export type Items = number[];

/** What happened, numbered by the database: a client says its last number and misses nothing. */
export type ServerEvent = { type: "event" } & Schemas["EventList"]["events"][number];
export type EventKind = ServerEvent["kind"];

/** The data of each kind of event. */
export type EventData = {
  [Event in ServerEvent as Event["kind"]]: Event["data"];
};

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
