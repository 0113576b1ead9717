import { type Bytes, latin } from "./bytes";
import { xmpText } from "./xmp";

export function isWebp(file: Bytes): boolean {
  return file.startsWith("RIFF") && file.slice(8).startsWith("WEBP");
}

/** The workflow's text in a WebP file's XMP. */
export function webpText(file: Bytes): string | null {
  for (const [name, body] of chunks(file)) if (name === "XMP ") return xmpText(body);
  return null;
}

function* chunks(file: Bytes): Generator<[name: string, body: Bytes]> {
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.u32(at + 4, true);
    yield [latin(file.slice(at, at + 4)), file.slice(at + 8, at + 8 + length)];
    at += 8 + length + (length % 2);
  }
}
