import { progressOf, type Run } from "../server/runs/run";

/** What the browser's tab says: how far the run is, then which graph it is; of old news, nothing. */
export function tabTitle(title: string, run: Run, changed = false): string {
  const name = title || "nodegraph";
  switch (run.state) {
    case "queued":
      return `… ${name}`;
    case "running": {
      const part = progressOf(run);
      return part === null ? `▸ ${name}` : `${Math.floor(100 * part)}% ${name}`;
    }
    case "failed":
      return changed ? name : `✗ ${name}`;
    case "done":
      return changed ? name : `✓ ${name}`;
    case "cancelled":
    case null:
      return name;
  }
}
