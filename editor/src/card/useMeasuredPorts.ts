import { useUpdateNodeInternals } from "@xyflow/react";
import { useLayoutEffect, useRef } from "react";

/** Let React Flow measure where a node's ports are whenever its rows (`layout`) have changed. */
export function useMeasuredPorts(node: string, layout: string) {
  const update = useUpdateNodeInternals();
  const measured = useRef(layout);
  useLayoutEffect(() => {
    // It does so by itself when a node is drawn first; to ask again would cost every node once.
    if (measured.current === layout) return;
    measured.current = layout;
    update(node);
  }, [node, layout, update]);
}
