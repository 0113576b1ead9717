import { useStore } from "zustand";

import { spelledKeys } from "../ui/keys";
import { present, useEditor } from "../graph";
import { layout } from "./layout";
import { cancelRun, runAll, useCancelled } from "../documents/running";

/** Run what is shown; while it runs or waits, stop it. It can be queued again meanwhile. */
export function RunButton() {
  const target = useCancelled();
  const empty = useEditor((now) => Object.keys(present(now).nodes).length === 0);
  // A form has a button of its own, which runs what was entered there.
  const { view } = useStore(layout);
  return (
    <span className="pair">
      {target !== null && (
        <button type="button" onClick={() => void cancelRun()} title={spelledKeys("Mod+.")}>
          Cancel
        </button>
      )}
      {view === "graph" && (
        <button
          type="button"
          className="primary run"
          disabled={empty}
          title={spelledKeys("Mod+Enter")}
          onClick={() => void runAll()}
        >
          <svg viewBox="0 0 10 10" width="9" height="9" aria-hidden="true">
            <path d="M2 1l7 4-7 4z" fill="currentColor" />
          </svg>
          Run
        </button>
      )}
    </span>
  );
}
