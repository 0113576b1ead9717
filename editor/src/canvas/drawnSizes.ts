/** Sizes of nodes as they are drawn, and with the pictures that they will show. */

import { nodeElement } from "../card/nodeElement";
import { foldedOf, kindOf, present, showsPictures, STRIP, WIDTH, type Sizes } from "../graph";
import { flow } from "./flow";

/** The sizes of nodes as they are drawn. */
export const drawnSizes: Sizes = (name) => {
  const node = flow.getState().nodes.find((drawn) => drawn.id === name);
  return [node?.measured?.width ?? WIDTH, node?.measured?.height ?? 200];
};

/** The sizes of nodes with the pictures that they will show. */
export const roomySizes: Sizes = (name) => {
  const [width, height] = drawnSizes(name);
  const kind = kindOf(name);
  const element = nodeElement(name);
  const grows = kind && showsPictures(kind) && !foldedOf(present()).has(name);
  return [width, height + (grows && !element?.querySelector(".strip") ? STRIP : 0)];
};
