import { present, shown, toText } from "../graph";
import { saveAs } from "../ui/download";

/** Let the browser download the workflow that is shown, as it is stored. */
export function download() {
  const text = new Blob([toText(present())], { type: "application/json" });
  saveAs(text, `${shown()?.name ?? "workflow"}.json`);
}
