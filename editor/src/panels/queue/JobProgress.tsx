import { useStore } from "zustand";

import { type Job, progressOf, runs } from "../../server";

/** How far a job is; of the one whose course is shown, the steps of what is at work count too. */
export function JobProgress({ job, label }: { readonly job: Job; readonly label: string }) {
  const shown = useStore(runs, ({ run }) => (run.job === job.id ? progressOf(run) : null));
  const part = shown ?? (job.total ? job.done / job.total : null);
  return <progress aria-label={label} {...(part === null ? {} : { value: part, max: 1 })} />;
}
