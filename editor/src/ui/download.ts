/** Files that the browser saves. */

import { downloadPath } from "../server/api";
import { ask } from "../server/http";

/** Let the browser save a picture; it is fetched by the page, which alone can send a token. */
export async function download(asset: string, name: string): Promise<void> {
  saveAs(await (await ask(downloadPath(asset))).blob(), name);
}

/** Let the browser save bytes as a file of this name. */
export function saveAs(bytes: Blob, name: string): void {
  const url = URL.createObjectURL(bytes);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The click starts the download in a later task; after that the bytes may go.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file name that says what it is: `canny-portraits-grid-2.png`. */
export function fileName(title: string, result: string, item: number | null, asset: string): string {
  const words = [title, result, ...(item === null ? [] : [String(item + 1)])].join(" ");
  const plain = words.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  const end = asset.slice(asset.lastIndexOf("."));
  return `${plain.replace(/^-+|-+$/g, "").slice(0, 80)}${end}`;
}
