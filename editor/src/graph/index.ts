/** The workflow document and what can be done to it: pure, without React Flow and the network. */

export * from "./boxes";
export * from "./clipboard";
export * from "./collapse";
export * from "./connect";
export * from "./document";
export * from "./drafts";
export * from "./edits";
export * from "./expand";
export * from "./fit";
export * from "./history";
export * from "./kinds";
export * from "./layout";
export { isDirty, titleOf, type OpenDocument } from "./openDocument";
export * from "./ports";
export * from "./sizes";
export * from "./store";
export * from "./tabs";
export * from "./templateKind";
export * from "./templatePorts";
export * from "./upTo";
export * from "./view";
export * from "./wires";
export * from "./workflow";
