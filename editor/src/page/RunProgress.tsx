import { useStore } from "zustand";

import { progressOf, runs } from "../server";

/** How far the run is that is shown; nothing where none is on its way. */
export function RunProgress() {
  const state = useStore(runs, ({ run }) => run.state);
  const part = useStore(runs, ({ run }) => progressOf(run));
  if (state !== "running" && state !== "queued") return null;
  return (
    <progress
      className="top-progress"
      aria-label="Progress of the run"
      {...(part === null ? {} : { value: part, max: 1 })}
    />
  );
}
