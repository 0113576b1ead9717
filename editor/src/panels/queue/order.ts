/** The order of waiting jobs when one is moved. */

/** What a job is put after so that it stands at `to`: the id before it there, null for the first. */
export function predecessor(ids: readonly string[], id: string, to: number): string | null {
  const rest = ids.filter((entry) => entry !== id);
  return to <= 0 ? null : (rest[Math.min(to, rest.length) - 1] ?? null);
}

/** The same list with one of them moved, as it will be when the server has answered. */
export function moved(ids: readonly string[], id: string, to: number): string[] {
  const rest = ids.filter((entry) => entry !== id);
  const at = Math.max(0, Math.min(to, rest.length));
  return [...rest.slice(0, at), id, ...rest.slice(at)];
}
