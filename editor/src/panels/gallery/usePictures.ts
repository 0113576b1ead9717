import { type GalleryResult, sentence } from "../../server";
import { deletePicture, forgetPicture, restorePicture } from "../../server/gallery";
import { useHost } from "../host";
import { caption } from "./caption";

export interface PictureActions {
  /** Put it into the bin; the note about that puts it back. */
  remove(picture: GalleryResult): void;
  restore(picture: GalleryResult): void;
  /** Delete it for good. */
  forget(picture: GalleryResult): void;
}

/** What can be done with a picture of the gallery. */
export function usePictures(): PictureActions {
  const host = useHost();
  const attempt = (action: Promise<unknown>) => {
    action.catch((error: unknown) => host.say(sentence(error)));
  };
  const restore = ({ id }: GalleryResult) => attempt(restorePicture(id));
  return {
    restore,
    forget: ({ id }) => attempt(forgetPicture(id)),
    remove: (picture) =>
      attempt(
        deletePicture(picture.id).then(() =>
          host.say(`Deleted: ${caption(picture)}. It stays in the bin for seven days.`, {
            label: "Undo",
            run: () => restore(picture),
          }),
        ),
      ),
  };
}
