/** Workflows as files, as the server would store them. */

import { shown, titleOf, toText, type OpenDocument } from "../graph";
import { saveAs } from "../ui/download";

/** Let the browser download the workflow that is shown. */
export function download() {
  const document = shown();
  if (document) downloadDocument(document);
}

export function downloadDocument(document: OpenDocument) {
  const text = new Blob([toText(document.history.present)], { type: "application/json" });
  saveAs(text, `${document.name ?? titleOf(document)}.json`);
}
