import { NodeResizer, type NodeProps } from "@xyflow/react";
import { memo } from "react";

import { edit, withFrame } from "../graph";
import { frameOf, type FrameNode } from "./nodes";
import { useField } from "../ui/useField";

/** A titled frame behind nodes; what lies in it moves along with it. */
export const FrameCard = memo(function FrameCard({ id, data, selected }: NodeProps<FrameNode>) {
  const frame = frameOf(id) ?? "";
  const field = useField(data.title, (title) =>
    edit("rename frame", (workflow) => withFrame(workflow, frame, { title })),
  );
  return (
    <div className="frame">
      <NodeResizer isVisible={selected} minWidth={120} minHeight={80} />
      <div className="frame-title">
        <input
          {...field}
          type="text"
          className="nodrag"
          aria-label="Title of the frame"
          size={Math.max(field.value.length, 6)}
        />
      </div>
    </div>
  );
});
