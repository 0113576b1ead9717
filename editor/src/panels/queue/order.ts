/** What a job is put after so that it stands at `to`: the id before it there, null for the first. */
export function predecessor(ids: readonly string[], id: string, to: number): string | null {
  const others = ids.filter((other) => other !== id);
  return to <= 0 ? null : (others[Math.min(to, others.length) - 1] ?? null);
}

/** The same list with one of them moved, as it will be when the server has answered. */
export function moved(ids: readonly string[], id: string, to: number): string[] {
  const others = ids.filter((other) => other !== id);
  const at = Math.max(0, Math.min(to, others.length));
  return [...others.slice(0, at), id, ...others.slice(at)];
}
