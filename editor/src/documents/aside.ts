/** The documents that were put aside: kept in the browser, but not opened. */

import { createStore } from "zustand";

import {
  close,
  forgetDocument,
  isUntouched,
  keepDocument,
  localKeep,
  putAside,
  shown,
  type Aside,
} from "../graph";
import { saveAs } from "../ui/download";
import { download } from "./downloading";
import { tabName } from "./tabName";

export const aside = createStore<{ readonly documents: readonly Aside[] }>()(() => ({ documents: [] }));

export function showAside(documents: readonly Aside[]) {
  aside.setState({ documents });
}

/** Delete one for good. */
export function dropAside({ tab, id }: Aside) {
  forgetDocument(localKeep(), tab, id);
  aside.setState(({ documents }) => ({
    documents: documents.filter((other) => other.tab !== tab || other.id !== id),
  }));
}

export function downloadAside({ title, text }: Aside) {
  saveAs(new Blob([text], { type: "application/json" }), `${title}.json`);
}

/** Put aside what is shown, so that the page can be opened without it; as a file where there is no room. */
export function putShownAside() {
  const document = shown();
  if (!document) return;
  const storage = localKeep();
  const kept =
    isUntouched(document) ||
    (keepDocument(storage, tabName(), document) &&
      putAside(storage, tabName(), document.id, "the page could not draw it"));
  if (!kept) download();
  close(document.id);
}
