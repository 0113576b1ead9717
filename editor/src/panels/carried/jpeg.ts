import { Bytes } from "./bytes";
import { extensionOf, xmpText } from "./xmp";

const PLAIN = "http://ns.adobe.com/xap/1.0/\0";
const EXTENDED = "http://ns.adobe.com/xmp/extension/\0";
const APP1 = 0xe1;
const SCAN = 0xda;
const END = 0xd9;

export function isJpeg(file: Bytes): boolean {
  return file.startsWith("\xff\xd8\xff");
}

/** The workflow's text in a JPEG file's XMP, also where it is spread over several segments. */
export function jpegText(file: Bytes): string | null {
  const bodies = [...segments(file)].filter(([marker]) => marker === APP1).map(([, body]) => body);
  const packet = bodies.find((body) => body.startsWith(PLAIN))?.slice(PLAIN.length);
  if (!packet) return null;
  const text = xmpText(packet);
  if (text !== null) return text;
  const name = extensionOf(packet);
  return name === null ? null : xmpText(extension(bodies, name));
}

/** The packet that is spread over the segments of this name (XMP specification, part 3). */
function extension(bodies: Bytes[], name: string): Bytes {
  const parts: { at: number; body: Bytes }[] = [];
  const head = EXTENDED.length + 40; // a name of 32 characters, the whole's length, the place
  let whole = 0;
  for (const body of bodies) {
    if (!body.startsWith(EXTENDED + name) || body.length < head) continue;
    whole = body.u32(head - 8);
    parts.push({ at: body.u32(head - 4), body: body.slice(head) });
  }
  parts.sort((left, right) => left.at - right.at);
  const size = parts.reduce((sum, part) => sum + part.body.length, 0);
  if (size !== whole) throw new Error("cut off");
  const data = new Uint8Array(size);
  let at = 0;
  for (const { body } of parts) {
    data.set(body.data, at);
    at += body.length;
  }
  return new Bytes(data);
}

function* segments(file: Bytes): Generator<[marker: number, body: Bytes]> {
  for (let at = 2; at + 4 <= file.length && file.u8(at) === 0xff; ) {
    const marker = file.u8(at + 1);
    if (marker === 0xff) {
      at += 1; // any number of them may stand before a marker
      continue;
    }
    if (marker === SCAN || marker === END) return;
    const length = file.u16(at + 2);
    yield [marker, file.slice(at + 4, at + 2 + length)];
    at += 2 + length;
  }
}
