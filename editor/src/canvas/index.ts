export { Canvas } from "./Canvas";
export { ContextMenu } from "./ContextMenu";
export { HelpDialog } from "./HelpDialog";
export { checks, spotOf, watchChecks } from "./checks";
