import { NodeResizer, type NodeProps } from "@xyflow/react";
import { memo, useState } from "react";

import { edit, withFrame } from "../graph";
import { frameOf, type FrameNode } from "./nodes";
import { useField } from "../ui/useField";

/** A titled frame behind nodes; what lies in it moves along with it. */
export const FrameCard = memo(function FrameCard({ id, data, selected }: NodeProps<FrameNode>) {
  const frame = frameOf(id) ?? "";
  const field = useField(data.title, (title) =>
    edit("rename frame", (workflow) => withFrame(workflow, frame, { title })),
  );
  const [written, setWritten] = useState(false);
  return (
    <div className="frame">
      <NodeResizer isVisible={selected} minWidth={120} minHeight={80} />
      <div className="frame-title">
        <input
          {...field}
          type="text"
          // The title is a handle until it is clicked: what is pressed and moved is the frame.
          className={written ? "nodrag" : ""}
          onFocus={() => setWritten(true)}
          onBlur={() => {
            field.onBlur();
            setWritten(false);
          }}
          onMouseDownCapture={(event) => !written && event.preventDefault()}
          onClick={(event) => event.currentTarget.focus({ preventScroll: true })}
          aria-label="Title of the frame"
          size={Math.max(field.value.length, 6)}
        />
      </div>
    </div>
  );
});
