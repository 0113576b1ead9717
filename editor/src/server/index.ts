export * as api from "./api";
export { type RunRequest, reasons, run } from "./startRun";
export { asking, type OnOom } from "./runOptions";
export { connection, retryNow, start } from "./connection";
export { ServerError, sentence } from "./errors";
export type { NodeRun, Part, Phase } from "./runs/nodeRun";
export type { Run } from "./runs/run";
export { follow, runs, unfollow, useNodePreviews, useRun } from "./runs/runs";
export type * from "./types";
