/** Names for saving a workflow. */

/** The name under which a workflow with this title is offered to be saved: `canny-portraits`. */
export function nameFor(title: string): string {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.replace(/^-+|-+$/g, "").slice(0, 60) || "workflow";
}

/** The first free name: `mine`, `mine-2`, `mine-3`, … */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
