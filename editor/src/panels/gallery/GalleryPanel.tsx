import { useState } from "react";
import { useStore } from "zustand";

import type { GalleryResult, Shelf } from "../../server";
import { sentence } from "../../server";
import { thumbnailPath } from "../../server/api";
import { gallery, loadOlderPictures, showShelf } from "../../server/gallery";
import { useHost } from "../host";
import { Picture } from "../../ui/Picture";
import { caption } from "./caption";
import { startDrag } from "./drag";
import { Lightbox } from "./Lightbox";
import { usePictures } from "./usePictures";

const SHELVES: Readonly<Record<Shelf, { readonly title: string; readonly empty: string }>> = {
  results: {
    title: "Results",
    empty: "No pictures yet. What a run makes appears here, and stays, also without its job.",
  },
  tries: {
    title: "Tries",
    empty: "No tries yet. What “Run to the selected nodes” makes appears here, apart from results.",
  },
  bin: { title: "Bin", empty: "The bin is empty. Deleted pictures stay here for seven days." },
};

/** Every picture that was made, newest first: results, tries, and what was deleted lately. */
export function GalleryPanel() {
  const host = useHost();
  const { shelf, pictures, next, loaded } = useStore(gallery);
  const [open, setOpen] = useState<number | null>(null);
  const actions = usePictures();
  const fail = (error: unknown) => host.say(sentence(error));
  // By number, not by place: pictures that come meanwhile move the others on.
  const at = pictures.findIndex(({ id }) => id === open);
  const go = (to: number) => setOpen(pictures[to]?.id ?? null);
  const leave = (action: (picture: GalleryResult) => void) => (picture: GalleryResult) => {
    action(picture);
    go(at + 1 < pictures.length ? at + 1 : at - 1);
  };
  return (
    <section className="panel gallery" aria-label="Gallery">
      <div className="shelves" role="group" aria-label="Pictures of">
        {(Object.keys(SHELVES) as Shelf[]).map((name) => (
          <button
            type="button"
            key={name}
            className="small"
            aria-pressed={shelf === name}
            onClick={() => void showShelf(name).catch(fail)}
          >
            {SHELVES[name].title}
          </button>
        ))}
      </div>
      {loaded && !pictures.length && <p className="empty">{SHELVES[shelf].empty}</p>}
      <ul className="thumbnails">
        {pictures.map((picture) => (
          <Thumbnail key={picture.id} picture={picture} onOpen={() => setOpen(picture.id)} />
        ))}
      </ul>
      {next !== null && (
        <button type="button" className="older" onClick={() => void loadOlderPictures().catch(fail)}>
          Show older ones
        </button>
      )}
      {at >= 0 && (
        <Lightbox
          pictures={pictures}
          at={at}
          onMove={go}
          onClose={() => setOpen(null)}
          actions={{
            remove: leave(actions.remove),
            restore: leave(actions.restore),
            forget: leave(actions.forget),
          }}
        />
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
