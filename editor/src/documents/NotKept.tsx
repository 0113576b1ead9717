import { useStore } from "zustand";

import { isDirty, titleOf, useEditor } from "../graph";
import { unkept } from "./autosave";
import { downloadDocument } from "./downloading";

/** Says which documents the browser has no room for, and the way out; nothing while all are kept. */
export function NotKept() {
  const { ids } = useStore(unkept);
  const documents = useEditor((state) => state.documents).filter(
    (document) => ids.includes(document.id) && isDirty(document),
  );
  if (documents.length === 0) return null;
  const titles = documents.map((document) => `“${titleOf(document)}”`).join(", ");
  return (
    <div className="banner" role="status">
      <span>
        The browser has no room to keep {titles}: what you change there ends with this page. Save it, or
        download it; closing other tabs makes room.
      </span>
      <button type="button" onClick={() => documents.forEach(downloadDocument)}>
        Download
      </button>
    </div>
  );
}
