/** The workflow document and what can be done to it: pure, without React Flow and the network. */

export * from "./view/boxes";
export * from "./clipboard";
export * from "./templates/collapse";
export * from "./connect";
export * from "./document";
export * from "./drafts";
export * from "./edits";
export * from "./templates/expand";
export * from "./fit";
export * from "./history";
export * from "./kinds";
export * from "./view/arrange";
export { isDirty, titleOf, type OpenDocument } from "./openDocument";
export * from "./ownPorts";
export * from "./port";
export * from "./view/sizes";
export * from "./store";
export * from "./tabs";
export * from "./templates/kind";
export * from "./templates/renamePort";
export * from "./upTo";
export * from "./view/places";
export * from "./wires";
export * from "./workflow";
