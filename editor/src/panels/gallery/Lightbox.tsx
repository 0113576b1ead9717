import type { KeyboardEvent } from "react";

import type { GalleryResult } from "../../server";
import { sentence } from "../../server";
import { assetPath, jobWorkflow } from "../../server/api";
import { Dialog } from "../../ui/Dialog";
import { download, fileName } from "../../ui/download";
import { useHost } from "../host";
import { Picture } from "../../ui/Picture";
import { moment } from "../../ui/times";
import { caption } from "./caption";

interface LightboxProps {
  pictures: readonly GalleryResult[];
  at: number;
  onMove(at: number): void;
  onClose(): void;
}

/** One picture in full size; the arrow keys go on to its neighbours. */
export function Lightbox({ pictures, at, onMove, onClose }: LightboxProps) {
  const picture = pictures[at];
  if (!picture) return null;
  const go = (to: number) => to >= 0 && to < pictures.length && onMove(to);
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "ArrowLeft") go(at - 1);
    if (key === "ArrowRight") go(at + 1);
    if (key === "Home") go(0);
    if (key === "End") go(pictures.length - 1);
  };
  return (
    <Dialog title={caption(picture)} className="lightbox" onClose={onClose}>
      <div className="lightbox-frame" onKeyDown={onKeyDown}>
        <Step label="Newer picture" sign="‹" disabled={at === 0} onClick={() => go(at - 1)} />
        <Picture
          path={assetPath(picture.asset)}
          alt={caption(picture)}
          width={picture.width}
          height={picture.height}
        />
        <Step
          label="Older picture"
          sign="›"
          disabled={at === pictures.length - 1}
          onClick={() => go(at + 1)}
        />
        <Caption picture={picture} onClose={onClose} />
      </div>
    </Dialog>
  );
}

function Caption({ picture, onClose }: { picture: GalleryResult; onClose(): void }) {
  const host = useHost();
  const fail = (error: unknown) => host.say(sentence(error));
  const openGraph = async () => {
    const workflow = await jobWorkflow(picture.job);
    onClose();
    host.open(workflow, { kind: "job", job: picture.job, title: picture.title });
  };
  const save = () =>
    download(
      picture.asset,
      fileName(picture.title, picture.result, picture.item, picture.asset),
    );
  return (
    <div className="lightbox-caption">
      <span>
        {caption(picture)}
        <span className="quiet">
          {` ${picture.width} × ${picture.height} · ${moment(picture.created)}`}
        </span>
      </span>
      <span className="buttons">
        <button type="button" onClick={() => void openGraph().catch(fail)}>
          Open its graph
        </button>
        <button type="button" onClick={() => void save().catch(fail)}>
          Download
        </button>
        <button type="button" onClick={onClose} autoFocus>
          Close
        </button>
      </span>
    </div>
  );
}

interface StepProps {
  label: string;
  sign: string;
  disabled: boolean;
  onClick(): void;
}

function Step({ label, sign, ...rest }: StepProps) {
  return (
    <button type="button" className="step" aria-label={label} title={label} {...rest}>
      {sign}
    </button>
  );
}
