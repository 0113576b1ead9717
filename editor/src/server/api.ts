/** The requests of the HTTP interface, a function each. */

import { address, ask, askJson } from "./http";
import { randomKey } from "./randomKey";
import { requestOptions } from "./runOptions";
import type {
  Asset,
  Check,
  ExplainLine,
  Form,
  GalleryPage,
  GalleryResult,
  Job,
  JobPage,
  JobRequest,
  JobState,
  Models,
  NodeList,
  ServerEvent,
  Shelf,
  StoredWorkflow,
  System,
  WorkflowDocument,
  WorkflowEntry,
} from "./types";

const path = encodeURIComponent;

/** Entries in one answer, at most. */
export const MOST = 200;

// What there is to build with.

export const system = () => askJson<System>("/v1/system");

export const nodes = () => askJson<NodeList>("/v1/nodes");

export const models = () => askJson<Models>("/v1/models");

// Workflows by name.

export const workflows = async () =>
  (await askJson<{ workflows: WorkflowEntry[] }>("/v1/workflows")).workflows;

export const workflow = (name: string) => askJson<StoredWorkflow>(`/v1/workflows/${path(name)}`);

export const workflowForm = (name: string) => askJson<Form>(`/v1/workflows/${path(name)}/form`);

/** Save under a name: over `version` only, or, where it is null, only as a new one. */
export const saveWorkflow = (name: string, body: WorkflowDocument, version: string | null) =>
  askJson<StoredWorkflow>(`/v1/workflows/${path(name)}`, {
    method: "PUT",
    body,
    headers: version === null ? { "If-None-Match": "*" } : { "If-Match": `"${version}"` },
  });

export const deleteWorkflow = (name: string, version: string) =>
  ask(`/v1/workflows/${path(name)}`, { method: "DELETE", headers: { "If-Match": `"${version}"` } });

// What is drawn, whether it was saved or not.

export const check = (workflow: WorkflowDocument, only?: string[], signal?: AbortSignal) =>
  askJson<Check>("/v1/check", posted({ workflow, ...(only ? { only } : {}) }, signal));

export const explain = async (workflow: WorkflowDocument, only?: string[], signal?: AbortSignal) => {
  const body = { workflow, ...(only ? { only } : {}), ...requestOptions() };
  return (await askJson<{ lines: ExplainLine[] }>("/v1/explain", posted(body, signal))).lines;
};

export const form = (workflow: WorkflowDocument, signal?: AbortSignal) =>
  askJson<Form>("/v1/form", posted({ workflow }, signal));

// Jobs.

/** Queue a run. The key makes a repeated request, after a lost answer, the same job. */
export const submit = (request: JobRequest, key: string = randomKey()) =>
  askJson<Job>("/v1/jobs", { method: "POST", body: request, headers: { "Idempotency-Key": key } });

export const jobs = (query: { state?: JobState; before?: number; limit?: number } = {}) =>
  askJson<JobPage>(address("/v1/jobs", query));

export const job = (id: string) => askJson<Job>(`/v1/jobs/${id}`);

export const jobWorkflow = async (id: string) =>
  (await askJson<{ workflow: WorkflowDocument }>(`/v1/jobs/${id}/workflow`)).workflow;

/** Those that wait, in the order in which they will run. */
export const queue = () => askJson<JobPage>(address("/v1/queue", { limit: MOST }));

export const jobEvents = (id: string, after: number) =>
  askJson<{ events: ServerEvent[]; next: number | null }>(
    address(`/v1/jobs/${id}/events`, { after, limit: MOST }),
  );

export const cancelJob = (id: string) => askJson<Job>(`/v1/jobs/${id}/cancel`, { method: "POST" });

export const retryJob = (id: string) => askJson<Job>(`/v1/jobs/${id}/retry`, { method: "POST" });

/** Let it run right after another job; null: before all others. */
export const moveJob = (id: string, after: string | null) =>
  askJson<Job>(`/v1/jobs/${id}`, { method: "PATCH", body: { after } });

export const deleteJob = (id: string) => ask(`/v1/jobs/${id}`, { method: "DELETE" });

// Pictures.

export const results = (query: { before?: number; limit?: number; shelf?: Shelf } = {}) =>
  askJson<GalleryPage>(address("/v1/results", query));

/** Put a picture into the bin. */
export const deleteResult = (id: number) => ask(`/v1/results/${id}`, { method: "DELETE" });

export const restoreResult = (id: number) =>
  askJson<GalleryResult>(`/v1/results/${id}/restore`, { method: "POST" });

/** Delete a picture for good. */
export const forgetResult = (id: number) => ask(`/v1/results/${id}?forever=1`, { method: "DELETE" });

export const upload = (file: Blob, name: string) =>
  askJson<Asset>(address("/v1/assets", { name }), {
    method: "PUT",
    body: file,
    headers: { "Content-Type": file.type },
  });

/** What was uploaded, newest first. */
export const assets = async (limit = 100) =>
  (await askJson<{ assets: Asset[] }>(address("/v1/assets", { limit }))).assets;

export const assetPath = (asset: string) => `/v1/assets/${path(asset)}`;

export const downloadPath = (asset: string) => `${assetPath(asset)}?download=1`;

export const thumbnailPath = (asset: string, size: 64 | 128 | 256 | 512 = 256) =>
  `${assetPath(asset)}/thumbnail?size=${size}`;

function posted(body: object, signal?: AbortSignal) {
  return { method: "POST" as const, body, ...(signal ? { signal } : {}) };
}
