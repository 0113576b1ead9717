import type { ReactNode } from "react";

import type { Job } from "../../server";
import { thumbnailPath } from "../../server/api";
import { isOver } from "../../server/job";
import { JobProgress } from "./JobProgress";
import { Picture } from "../../ui/Picture";
import { acceptJob, dropJob, QueueHandle } from "./QueueHandle";
import { describe, failures } from "./describe";
import type { QueueActions } from "./useQueue";

interface QueueRowProps {
  job: Job;
  now: number;
  actions: QueueActions;
  /** Its place among those that wait; null for one that does not. */
  place: number | null;
  /** The job whose course the canvas shows. */
  shown: boolean;
  onShow(job: Job): void;
}

/** One job: which it is, where it stands, and what can be done with it. */
export function QueueRow({ job, now, actions, place, shown, onShow }: QueueRowProps) {
  const title = job.title || "Untitled";
  const picture = job.results.find((result) => result.asset !== null)?.asset;
  return (
    <li
      className={`job job-${job.state}`}
      aria-current={shown || undefined}
      onDragOver={(event) => place !== null && acceptJob(event)}
      onDrop={(event) => place !== null && dropJob(event, place, actions)}
    >
      {place !== null && <QueueHandle job={job} title={title} place={place} actions={actions} />}
      {picture && <Picture className="job-picture" path={thumbnailPath(picture, 64)} alt="" />}
      <button type="button" className="job-title" onClick={() => onShow(job)} title="Show its course">
        <span className="job-name">{title}</span>
        <span className="quiet">{(job.trial ? "a try · " : "") + describe(job, now)}</span>
      </button>
      <div className="job-actions">
        <Action onClick={() => actions.open(job)} label={`Open the graph of ${title}`}>
          Open
        </Action>
        {isOver(job) ? (
          <>
            <Action onClick={() => actions.retry(job)} label={`Run ${title} again`}>
              Again
            </Action>
            <Action
              onClick={() => actions.remove(job)}
              label={`Delete ${title}`}
              hint="Delete it from this list; its pictures stay in the gallery"
            >
              Delete
            </Action>
          </>
        ) : (
          <Action
            onClick={() => actions.cancel(job)}
            label={`Cancel ${title}`}
            disabled={job.cancel_requested}
          >
            Cancel
          </Action>
        )}
      </div>
      {job.state === "running" && <JobProgress job={job} label={`Progress of ${title}`} />}
      {job.state === "failed" && <Failures job={job} />}
    </li>
  );
}

interface ActionProps {
  label: string;
  hint?: string;
  disabled?: boolean;
  onClick(): void;
  children: ReactNode;
}

function Action({ label, hint = label, children, ...rest }: ActionProps) {
  return (
    <button type="button" className="small" aria-label={label} title={hint} {...rest}>
      {children}
    </button>
  );
}

function Failures({ job }: { job: Job }) {
  return (
    <ul className="failures">
      {failures(job).map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
