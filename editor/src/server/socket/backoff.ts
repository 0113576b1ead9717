/** How long to wait before the next try, in milliseconds: 0.5 s, doubled each time, at most 15 s. */
export function backoff(failures: number, random: () => number = Math.random): number {
  const most = Math.min(500 * 2 ** failures, 15_000);
  // Between half of it and all of it: many pages do not come back at the same moment.
  return most * (0.5 + random() / 2);
}
