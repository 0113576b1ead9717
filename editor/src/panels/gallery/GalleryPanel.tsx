import { useState } from "react";
import { useStore } from "zustand";

import type { GalleryResult } from "../../server";
import { sentence } from "../../server";
import { thumbnailPath } from "../../server/api";
import { gallery, loadOlderPictures, pictureKey } from "../../server/gallery";
import { useHost } from "../host";
import { Picture } from "../../ui/Picture";
import { caption } from "./caption";
import { startDrag } from "./drag";
import { Lightbox } from "./Lightbox";

/** Every picture that was made, newest first. */
export function GalleryPanel() {
  const host = useHost();
  const { pictures, next, loaded } = useStore(gallery);
  const [open, setOpen] = useState<number | null>(null);
  const older = () => loadOlderPictures().catch((error: unknown) => host.say(sentence(error)));
  return (
    <section className="panel gallery" aria-label="Gallery">
      {loaded && !pictures.length && (
        <p className="empty">No pictures yet. What a run makes appears here, and stays.</p>
      )}
      <ul className="thumbnails">
        {pictures.map((picture, at) => (
          <Thumbnail key={pictureKey(picture)} picture={picture} onOpen={() => setOpen(at)} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" className="older" onClick={() => void older()}>
          Show older ones
        </button>
      )}
      {open !== null && pictures[open] && (
        <Lightbox pictures={pictures} at={open} onMove={setOpen} onClose={() => setOpen(null)} />
      )}
    </section>
  );
}

function Thumbnail({ picture, onOpen }: { picture: GalleryResult; onOpen(): void }) {
  const label = caption(picture);
  return (
    <li>
      <button
        type="button"
        className="thumbnail"
        aria-label={label}
        title={`${label}\n${picture.width} × ${picture.height}\nDrag it onto the canvas to go on with it`}
        draggable
        onDragStart={(event) => startDrag(event.dataTransfer, picture)}
        onClick={onOpen}
      >
        <Picture path={thumbnailPath(picture.asset)} alt="" />
      </button>
    </li>
  );
}
