import { useEffect, useState } from "react";
import { useStore } from "zustand";

import { type Job, runs } from "../../server";
import * as api from "../../server/api";
import { jobs, learnJob } from "../../server/jobs";
import type { Shown } from "../gallery/caption";
import { Lightbox } from "../gallery/Lightbox";
import { Picture } from "../../ui/Picture";
import { failures } from "../queue/describe";
import { JobProgress } from "../queue/JobProgress";

/** What the last run of a form made, beside the form. */
export function Results({ job: id }: { job: string | null }) {
  const job = useStore(jobs, (state) => (id === null ? undefined : state.jobs[id]));
  const short = job?.short ?? false;
  useEffect(() => {
    // Lists and events show the beginning of what is long; the job itself has all of it.
    if (short && id !== null) learnJob(api.job(id)).catch(() => {});
  }, [short, id]);
  return (
    <section className="results" aria-label="Results" aria-live="polite">
      {!job && <p className="empty">What the run makes appears here.</p>}
      {job && <Course job={job} />}
      {job?.state === "failed" && (
        <ul className="failures">
          {failures(job).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {job && <Pictures job={job} />}
    </section>
  );
}

function Course({ job }: { job: Job }) {
  if (job.state === "queued") return <p className="quiet">Waits in the queue.</p>;
  if (job.state === "cancelled") return <p className="quiet">Was cancelled.</p>;
  if (job.state !== "running") return null;
  return (
    <>
      <JobProgress job={job} label="Progress of the run" />
      <Live job={job.id} />
    </>
  );
}

/** The pictures as they come out of the noise. */
function Live({ job }: { job: string }) {
  const previews = useStore(runs, (state) => (state.run.job === job ? state.previews : null));
  return (
    <div className="pictures">
      {Object.entries(previews ?? {}).flatMap(([node, items]) =>
        Object.entries(items).map(([item, url]) => (
          <img key={`${node} ${item}`} className="picture" src={url} alt={`Preview of ${node}`} />
        )),
      )}
    </div>
  );
}

function Pictures({ job }: { job: Job }) {
  const [open, setOpen] = useState<number | null>(null);
  const pictures = shownOf(job);
  return (
    <>
      <div className="pictures">
        {pictures.map((picture, at) => (
          <button
            key={`${picture.result} ${picture.item}`}
            type="button"
            className="thumbnail"
            aria-label={`${picture.result}, full size`}
            onClick={() => setOpen(at)}
          >
            <Picture
              path={api.thumbnailPath(picture.asset, 512)}
              alt={picture.result}
              width={picture.width}
              height={picture.height}
            />
          </button>
        ))}
      </div>
      {job.results.map(
        ({ result, item, text }) =>
          text !== null && (
            <p key={`${result} ${item}`} className="text-result">
              <b>{result}</b> {text}
            </p>
          ),
      )}
      {open !== null && (
        <Lightbox pictures={pictures} at={open} onMove={setOpen} onClose={() => setOpen(null)} />
      )}
    </>
  );
}

function shownOf(job: Job): Shown[] {
  const created = job.finished ?? job.created;
  return job.results.flatMap(({ result, item, asset, width, height }) =>
    asset === null
      ? []
      : [
          {
            id: null,
            deleted: null,
            asset,
            job: job.id,
            result,
            item,
            width: width ?? 0,
            height: height ?? 0,
            created,
            title: job.title,
          },
        ],
  );
}
