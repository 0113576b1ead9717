import { editor, present, shown, toText } from "../graph";

/** Let the browser download the workflow that is shown, as it is stored. */
export function download() {
  const now = shown(editor.getState());
  const url = URL.createObjectURL(new Blob([toText(present())], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${now?.name ?? "workflow"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
