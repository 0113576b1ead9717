export * as api from "./api";
export { type RunRequest, reasons, run } from "./actions";
export { connection, retryNow, start } from "./connection";
export { ServerError, sentence } from "./errors";
export type { NodeRun, Part, Phase } from "./nodeRun";
export type { Run } from "./run";
export { follow, runs, unfollow, useNodePreviews, useNodeRun, useRun } from "./runs";
export { tabTitle } from "./title";
export type * from "./types";
