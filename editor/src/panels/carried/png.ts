import { type Bytes, inflate, latin, utf8 } from "./bytes";

export function isPng(file: Bytes): boolean {
  return file.startsWith("\x89PNG\r\n\x1a\n");
}

type Part = { count: number; read: () => Promise<string> };

/** The texts that a PNG file carries, by keyword, each still packed as it is. */
export function pngTexts(file: Bytes): Map<string, () => Promise<string>> {
  const texts = new Map<string, Map<number, Part>>();
  for (const [kind, body] of chunks(file)) {
    const read = READERS[kind];
    const end = body.data.indexOf(0);
    if (!read || end < 0) continue;
    const keyword = latin(body.slice(0, end));
    const inner = body.slice(end + 1);
    const [number, count] = placeOf(kind, inner);
    const parts = texts.get(keyword) ?? new Map<number, Part>();
    if (!parts.has(number)) parts.set(number, { count, read: () => read(inner) });
    texts.set(keyword, parts);
  }
  return new Map([...texts].map(([keyword, parts]) => [keyword, () => joined(parts)]));
}

async function joined(parts: Map<number, Part>): Promise<string> {
  const whole = parts.get(1);
  if (!whole || parts.size < whole.count) throw new Error("a part is missing");
  const texts = [];
  for (let number = 1; number <= whole.count; number++) {
    texts.push((await parts.get(number)?.read()) ?? "");
  }
  return texts.join("");
}

/** Which part of a long text a chunk holds, and of how many: it stands where a translation would. */
function placeOf(kind: string, body: Bytes): [number: number, count: number] {
  if (kind !== "iTXt") return [1, 1];
  const start = body.data.indexOf(0, 2) + 1;
  const place = latin(body.slice(start, Math.max(start, body.data.indexOf(0, start))));
  const match = /^([1-9]\d{0,2})\/([1-9]\d{0,2})$/.exec(place);
  return match ? [Number(match[1]), Number(match[2])] : [1, 1];
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
