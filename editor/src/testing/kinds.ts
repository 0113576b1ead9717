/** The shipped nodes as the engine describes them, and a shipped workflow, for tests. */

import canny from "../../../workflows/canny-portraits.json";
import two from "../../../workflows/two-controls.json";
import described from "./nodes.json";
import { kindsByType, type Kind } from "../graph/kinds";
import { readWorkflow } from "../graph/document";

export const KINDS = kindsByType(described.nodes as unknown as Kind[]);
export const PORTRAITS = readWorkflow(canny);
export const TWO_CONTROLS = readWorkflow(two);
