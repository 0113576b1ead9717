import { useNodesInitialized } from "@xyflow/react";
import { useEffect } from "react";

import { placeAgain } from "./opening";
import { fitAll } from "../canvas/viewport";

/** Places were guessed from the sizes that nodes would have; now they have them. */
export function PlaceWhenDrawn({ document }: { readonly document: string }) {
  const drawn = useNodesInitialized();
  useEffect(() => {
    if (drawn && placeAgain(document)) requestAnimationFrame(fitAll);
  }, [drawn, document]);
  return null;
}
