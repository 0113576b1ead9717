import type { DragEvent, KeyboardEvent } from "react";

import type { Job } from "../../server";
import type { QueueActions } from "./useQueue";

const DRAGGED = "application/x-nodegraph-job";

interface QueueHandleProps {
  job: Job;
  title: string;
  place: number;
  actions: QueueActions;
}

/** Where a waiting job is taken to be moved: by dragging, or with the arrow keys. */
export function QueueHandle({ job, title, place, actions }: QueueHandleProps) {
  const step = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (place + by >= 0) actions.move(job, place + by);
  };
  return (
    <button
      type="button"
      className="handle"
      draggable
      onDragStart={(event) => event.dataTransfer.setData(DRAGGED, JSON.stringify(job))}
      onKeyDown={step}
      aria-label={`Move ${title}, number ${place + 1} in the queue: arrow up or down`}
      title="Drag, or arrow up and down"
    >
      ⠿
    </button>
  );
}

export function acceptJob(event: DragEvent): void {
  if (event.dataTransfer.types.includes(DRAGGED)) event.preventDefault();
}

export function dropJob(event: DragEvent, place: number, actions: QueueActions): void {
  const text = event.dataTransfer.getData(DRAGGED);
  if (!text) return;
  event.preventDefault();
  event.stopPropagation();
  actions.move(JSON.parse(text) as Job, place);
}
