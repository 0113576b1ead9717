/** The order of waiting jobs: read soon after it changed, and moved one job at a time. */

import * as api from "./api";
import { byId, jobs, withEvents } from "./jobs";

let ordering: ReturnType<typeof setTimeout> | undefined;

/** Read in which order they wait; once, where many reasons to do so come together. */
export function orderSoon(): void {
  clearTimeout(ordering);
  ordering = setTimeout(() => void loadOrder().catch(() => undefined), 150);
}

/** Moves that the server has not answered yet, one after the other: it might exchange two at once. */
let moves = 0;

let moving: Promise<unknown> = Promise.resolve();

/** Put a waiting job behind another one (null: first); `order` is how they stand then. */
export async function moveInQueue(id: string, after: string | null, order: string[]): Promise<void> {
  jobs.setState({ order });
  moves += 1;
  const asked = moving.then(() => api.moveJob(id, after));
  moving = asked.catch(() => undefined);
  try {
    await asked;
  } finally {
    moves -= 1;
    await loadOrder();
  }
}

/** Read in which order they wait, unless that is being changed. */
export async function loadOrder(): Promise<void> {
  if (moves > 0) return;
  const { answer, heard } = await withEvents(api.queue());
  if (moves > 0) return;
  jobs.setState((state) => ({
    jobs: { ...state.jobs, ...byId(answer.jobs, heard) },
    order: answer.jobs.map(({ id }) => id),
  }));
}
