/** Preview frames of the websocket: a JSON header and a JPEG. */

import type { PreviewHeader } from "../types";

export interface Preview {
  header: PreviewHeader;
  jpeg: Uint8Array<ArrayBuffer>;
}

const MOST_HEADER = 64 * 1024;

/** Take a binary frame apart: length of the header, header as JSON, JPEG. Null where it is none. */
export function previewIn(frame: ArrayBuffer): Preview | null {
  if (frame.byteLength < 4) return null;
  const length = new DataView(frame).getUint32(0);
  if (length > MOST_HEADER || 4 + length > frame.byteLength) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(frame, 4, length));
    return { header: JSON.parse(text) as PreviewHeader, jpeg: new Uint8Array(frame, 4 + length) };
  } catch {
    return null;
  }
}
