/** The store of the gallery: pictures of all jobs on three shelves, page by page. */

import { createStore } from "zustand/vanilla";

import * as api from "./api";
import type { GalleryResult, ServerEvent, Shelf } from "./types";

export interface GalleryState {
  /** What whole runs made, what tries made, or what was deleted. */
  shelf: Shelf;
  /** Newest first. */
  pictures: readonly GalleryResult[];
  next: number | null;
  loaded: boolean;
}

const NOTHING = { pictures: [], next: null, loaded: false };

/** The pictures of one shelf: the server keeps them, whether their jobs are there still or not. */
export const gallery = createStore<GalleryState>(() => ({ shelf: "results", ...NOTHING }));

const PAGE = 60;

/** Look at another shelf. */
export async function showShelf(shelf: Shelf): Promise<void> {
  if (gallery.getState().shelf === shelf) return;
  gallery.setState({ shelf, ...NOTHING });
  await loadGallery();
}

/** Read the newest pictures, so many at the least; older ones that were read already stay. */
export async function loadGallery(count = PAGE): Promise<void> {
  const { shelf } = gallery.getState();
  const page = await api.results({ limit: Math.min(Math.max(count, PAGE), api.MOST), shelf });
  const oldest = page.next === null ? 0 : (page.results.at(-1)?.id ?? 0);
  gallery.setState((state) => {
    if (state.shelf !== shelf) return state;
    const older = state.pictures.filter(({ id }) => id < oldest);
    const next = older.length ? state.next : page.next;
    return { pictures: [...page.results, ...older], next, loaded: true };
  });
}

/** Read the next page of older pictures. */
export async function loadOlderPictures(): Promise<void> {
  const { next, shelf } = gallery.getState();
  if (next === null) return;
  const page = await api.results({ before: next, limit: PAGE, shelf });
  gallery.setState((state) =>
    state.shelf === shelf && state.next === next
      ? { pictures: [...state.pictures, ...page.results], next: page.next }
      : state,
  );
}

/** Put a picture into the bin; in there it can be put back for a week. */
export async function deletePicture(id: number): Promise<void> {
  await api.deleteResult(id);
  leave(id);
}

/** Put a picture back to where it was. */
export async function restorePicture(id: number): Promise<void> {
  await api.restoreResult(id);
  if (gallery.getState().shelf === "bin") leave(id);
  else await loadAgain();
}

/** Delete a picture for good. */
export async function forgetPicture(id: number): Promise<void> {
  await api.forgetResult(id);
  leave(id);
}

/** Take an event from the websocket: what another tab deletes, or a run makes, shows here too. */
export function hearGalleryEvent(event: ServerEvent): void {
  switch (event.kind) {
    case "job.done":
    case "job.failed": // what it made nevertheless is kept
      if (gallery.getState().shelf !== "bin") void loadGallery().catch(ignore);
      return;
    case "result.deleted":
      if (gallery.getState().shelf !== "bin" || event.data.forever) leave(event.data.id);
      else void loadGallery().catch(ignore);
      return;
    case "result.restored":
      if (gallery.getState().shelf === "bin") leave(event.data.id);
      else void loadAgain().catch(ignore);
      return;
    default:
  }
}

/** What was put back may stand anywhere among what was read. */
function loadAgain(): Promise<void> {
  return loadGallery(gallery.getState().pictures.length + 1);
}

function leave(gone: number): void {
  gallery.setState(({ pictures }) => ({ pictures: pictures.filter(({ id }) => id !== gone) }));
}

/** A lost connection is shown by the banner. */
function ignore(): void {}
