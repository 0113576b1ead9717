import { useFileDrop } from "./useFileDrop";

/** Takes what is dropped on the page, and says so while something is held over it. */
export function DropHint() {
  const over = useFileDrop();
  if (!over) return null;
  return (
    <div className="drop-hint" aria-hidden="true">
      <p>Drop a workflow, or a picture that carries one. A picture on a node that loads one goes into it.</p>
    </div>
  );
}
