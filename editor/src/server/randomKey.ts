/** A key that nobody else has, in hex. Pages from afar without TLS have no `crypto.randomUUID`. */
export function randomKey(length = 16): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
