import type { GalleryResult } from "../../server";

/** What a picture is called for people: the job's title, the result, and which item of it. */
export function caption({ title, result, item }: GalleryResult): string {
  const which = item === null ? result : `${result} ${item + 1}`;
  return title ? `${title}, ${which}` : which;
}
