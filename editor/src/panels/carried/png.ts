import { type Bytes, inflate, latin, utf8 } from "./bytes";

export function isPng(file: Bytes): boolean {
  return file.startsWith("\x89PNG\r\n\x1a\n");
}

/** The texts that a PNG file carries, by keyword, each still packed as it is. */
export function pngTexts(file: Bytes): Map<string, () => Promise<string>> {
  const texts = new Map<string, () => Promise<string>>();
  for (const [kind, body] of chunks(file)) {
    const read = READERS[kind];
    const end = body.data.indexOf(0);
    if (!read || end < 0) continue;
    const keyword = latin(body.slice(0, end));
    if (!texts.has(keyword)) texts.set(keyword, () => read(body.slice(end + 1)));
  }
  return texts;
}

const READERS: Record<string, (body: Bytes) => Promise<string>> = {
  tEXt: (body) => Promise.resolve(latin(body)),
  zTXt: async (body) => latin(await inflate(body.slice(1))),
  iTXt: async (body) => {
    // A flag, a method, a language and a translated keyword, each of the last two up to a zero.
    const text = body.slice(body.zero(body.zero(2) + 1) + 1);
    return utf8(body.u8(0) === 1 ? await inflate(text) : text);
  },
};

function* chunks(file: Bytes): Generator<[kind: string, body: Bytes]> {
  for (let at = 8; at + 8 <= file.length; ) {
    const length = file.u32(at);
    yield [latin(file.slice(at + 4, at + 8)), file.slice(at + 8, at + 8 + length)];
    at += 12 + length;
  }
}
