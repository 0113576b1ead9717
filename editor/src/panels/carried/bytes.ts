/** No workflow is larger; what claims to be is an attack or damage. */
export const MOST = 64 * 2 ** 20;

const PIECE = 8192;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** A view on bytes with the few reads that picture files need. */
export class Bytes {
  private readonly view: DataView;

  constructor(readonly data: Uint8Array<ArrayBuffer>) {
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get length(): number {
    return this.data.length;
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at);
  }

  u32(at: number, little = false): number {
    return this.view.getUint32(at, little);
  }

  /** What stands from `start` to `end`, or to the end of the file where that comes first. */
  slice(start: number, end = this.length): Bytes {
    return new Bytes(this.data.subarray(start, end));
  }

  startsWith(text: string): boolean {
    return this.length >= text.length && latin(this.slice(0, text.length)) === text;
  }

  /** Where the next zero byte is. */
  zero(from = 0): number {
    const at = this.data.indexOf(0, from);
    if (at < 0) throw new Error("cut off");
    return at;
  }
}

/** Each byte as the character of its number: browsers call something else latin1. */
export function latin(bytes: Bytes): string {
  let text = "";
  // In pieces, since each byte becomes an argument.
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.data.subarray(at, at + PIECE));
  }
  return text;
}

export function utf8(bytes: Bytes): string {
  return UTF8.decode(bytes.data);
}

/** Unpack a zlib stream, but never more than a workflow can be. */
export async function inflate(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes.data]).stream().pipeThrough(new DecompressionStream("deflate"));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > MOST) {
      await reader.cancel();
      throw new Error("too large");
    }
    parts.push(part.value as Uint8Array<ArrayBuffer>);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Bytes(whole);
}
