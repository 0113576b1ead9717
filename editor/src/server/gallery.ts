/** The store of the gallery: pictures of all jobs, page by page. */

import { createStore } from "zustand/vanilla";

import * as api from "./api";
import type { GalleryResult } from "./types";

export interface GalleryState {
  /** Newest first. */
  pictures: readonly GalleryResult[];
  next: number | null;
  loaded: boolean;
}

/** All pictures that jobs have made: the server keeps them, so a restart loses none. */
export const gallery = createStore<GalleryState>(() => ({ pictures: [], next: null, loaded: false }));

const PAGE = 60;

/** Read the newest pictures; older ones that were read already stay. */
export async function loadGallery(): Promise<void> {
  const page = await api.results({ limit: PAGE });
  gallery.setState((state) => {
    const older = beyond(state.pictures, page.results);
    const next = older.length ? state.next : page.next;
    return { pictures: [...page.results, ...older], next, loaded: true };
  });
}

/** Read the next page of older pictures. */
export async function loadOlderPictures(): Promise<void> {
  const { next } = gallery.getState();
  if (next === null) return;
  const page = await api.results({ before: next, limit: PAGE });
  gallery.setState((state) => ({
    pictures: [...state.pictures, ...page.results],
    next: page.next,
  }));
}

/** What is one place in one job; two jobs may well make the same picture. */
export function pictureKey(picture: GalleryResult): string {
  return `${picture.job}/${picture.result}/${picture.item ?? ""}`;
}

function beyond(
  pictures: readonly GalleryResult[],
  newest: readonly GalleryResult[],
): readonly GalleryResult[] {
  const last = newest.at(-1);
  if (!last) return [];
  const at = pictures.findIndex((picture) => pictureKey(picture) === pictureKey(last));
  return at < 0 ? [] : pictures.slice(at + 1);
}
