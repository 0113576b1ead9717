import type { GalleryResult } from "../../server";

/** What a picture of the gallery is called while it is dragged. */
export const PICTURE = "application/x-nodegraph-picture";

export function startDrag(data: DataTransfer, picture: GalleryResult): void {
  data.setData(PICTURE, picture.asset);
  data.effectAllowed = "copy";
}

/** The asset that is dropped; null where something else is. */
export function draggedAsset(data: DataTransfer): string | null {
  return data.getData(PICTURE) || null;
}
