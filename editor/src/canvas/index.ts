export { Canvas } from "./Canvas";
export { checks, spotOf, watchChecks } from "./checks";
