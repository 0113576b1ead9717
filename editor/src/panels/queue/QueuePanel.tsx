import { useState } from "react";
import { useStore } from "zustand";

import { type Job, followChosen, runs, sentence } from "../../server";
import { loadOlderJobs } from "../../server/jobs";
import { useHost } from "../host";
import { useNow } from "../../ui/useNow";
import { QueueRow } from "./QueueRow";
import { useQueue } from "./useQueue";

/** What runs, what waits and in which order, and what came before. */
export function QueuePanel() {
  const { waiting, running, over, more, loaded, actions } = useQueue();
  const now = useNow(running.length > 0);
  const shown = useStore(runs, ({ run }) => run.job);
  const row = (job: Job, place: number | null) => (
    <QueueRow
      key={job.id}
      job={job}
      now={now}
      actions={actions}
      place={place}
      shown={job.id === shown}
      onShow={() => void followChosen(job.id)}
    />
  );
  const nothing = loaded && !waiting.length && !running.length && !over.length;
  return (
    <section className="panel queue" aria-label="Queue">
      {nothing && <p className="empty">Nothing has been run yet. Press Run, or Ctrl+Enter.</p>}
      <Group title="Running" jobs={running.map((job) => row(job, null))} />
      <Group title="Waiting" jobs={waiting.map(row)} />
      <Group title="Done" jobs={over.map((job) => row(job, null))} more={more} />
      {more && <Older />}
    </section>
  );
}

interface GroupProps {
  title: string;
  jobs: React.ReactNode[];
  /** There are more of them than are shown. */
  more?: boolean;
}

function Group({ title, jobs, more = false }: GroupProps) {
  if (!jobs.length) return null;
  return (
    <>
      <h3>
        {title} <span className="count">{`${jobs.length}${more ? "+" : ""}`}</span>
      </h3>
      <ol className="jobs" aria-label={title}>
        {jobs}
      </ol>
    </>
  );
}

function Older() {
  const host = useHost();
  const [busy, setBusy] = useState(false);
  const load = () => {
    setBusy(true);
    loadOlderJobs()
      .catch((error: unknown) => host.say(sentence(error)))
      .finally(() => setBusy(false));
  };
  return (
    <button type="button" className="older" onClick={load} disabled={busy}>
      Show older ones
    </button>
  );
}
