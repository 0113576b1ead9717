import type { KeyboardEvent, ReactNode } from "react";

import { type GalleryResult, sentence } from "../../server";
import { assetPath } from "../../server/api";
import { Dialog } from "../../ui/Dialog";
import { download, fileName } from "../../ui/download";
import { useHost } from "../host";
import { Picture } from "../../ui/Picture";
import { moment } from "../../ui/times";
import { caption, type Shown } from "./caption";
import type { PictureActions } from "./usePictures";
import { workflowOf } from "./workflowOf";

interface LightboxProps {
  pictures: readonly (Shown | GalleryResult)[];
  at: number;
  /** What can be done with them; none where only their job shows them. */
  actions?: PictureActions;
  onMove(at: number): void;
  onClose(): void;
}

/** One picture in full size; the arrow keys go on to its neighbours. */
export function Lightbox({ pictures, at, actions, onMove, onClose }: LightboxProps) {
  const picture = pictures[at];
  if (!picture) return null;
  const go = (to: number) => to >= 0 && to < pictures.length && onMove(to);
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "ArrowLeft") go(at - 1);
    if (key === "ArrowRight") go(at + 1);
    if (key === "Home") go(0);
    if (key === "End") go(pictures.length - 1);
    if (key === "Delete" && actions && isListed(picture) && picture.deleted === null) actions.remove(picture);
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
        <Caption picture={picture} onClose={onClose}>
          {actions && isListed(picture) && <Actions picture={picture} actions={actions} />}
        </Caption>
      </div>
    </Dialog>
  );
}

/** Whether a picture stands in the gallery under a number of its own. */
function isListed(picture: Shown | GalleryResult): picture is GalleryResult {
  return picture.id !== null && "trial" in picture;
}

function Actions({ picture, actions }: { picture: GalleryResult; actions: PictureActions }) {
  if (picture.deleted === null) {
    return (
      <button type="button" title="Put it into the bin (Delete)" onClick={() => actions.remove(picture)}>
        Delete
      </button>
    );
  }
  return (
    <>
      <button type="button" onClick={() => actions.restore(picture)}>
        Put back
      </button>
      <button type="button" onClick={() => actions.forget(picture)}>
        Delete for good
      </button>
    </>
  );
}

interface CaptionProps {
  picture: Shown;
  onClose(): void;
  children: ReactNode;
}

function Caption({ picture, onClose, children }: CaptionProps) {
  const host = useHost();
  const fail = (error: unknown) => host.say(sentence(error));
  const openGraph = async () => {
    const [workflow, origin] = await workflowOf(picture);
    onClose();
    host.open(workflow, origin);
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
        {children}
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
