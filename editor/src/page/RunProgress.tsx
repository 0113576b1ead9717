import { useStore } from "zustand";

import { runs } from "../server";

/** How far the run is that is shown; nothing where none is on its way. */
export function RunProgress() {
  const state = useStore(runs, ({ run }) => run.state);
  const done = useStore(runs, ({ run }) => run.done);
  const total = useStore(runs, ({ run }) => run.total);
  if (state !== "running" && state !== "queued") return null;
  return (
    <progress
      className="top-progress"
      aria-label="Progress of the run"
      {...(total > 0 ? { value: done, max: total } : {})}
    />
  );
}
