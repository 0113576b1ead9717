import type { GalleryResult } from "../../server";

/** A picture as it is shown; one that only its job lists has no number of its own. */
export type Shown = Omit<GalleryResult, "id" | "trial"> & { readonly id: number | null };

/** What a picture is called for people: the job's title, the result, and which item of it. */
export function caption({ title, result, item }: Pick<Shown, "title" | "result" | "item">): string {
  const which = item === null ? result : `${result} ${item + 1}`;
  return title ? `${title}, ${which}` : which;
}
