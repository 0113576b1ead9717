import type { Run } from "../server/runs/run";

/** What the browser's tab says: how far the run is, then which graph it is. */
export function tabTitle(title: string, run: Run): string {
  const name = title || "nodegraph";
  switch (run.state) {
    case "queued":
      return `… ${name}`;
    case "running":
      return run.total ? `${Math.floor((100 * run.done) / run.total)}% ${name}` : `▸ ${name}`;
    case "failed":
      return `✗ ${name}`;
    case "done":
      return `✓ ${name}`;
    case "cancelled":
    case null:
      return name;
  }
}
