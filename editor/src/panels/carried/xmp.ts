import { type Bytes, utf8 } from "./bytes";

const OURS = "urn:x-nodegraph#";
const NOTE = "http://ns.adobe.com/xmp/note/";

/** The workflow's text in a packet of XMP; null where it holds other things. */
export function xmpText(packet: Bytes): string | null {
  return property(packet, OURS, "workflow");
}

/** The name of the extension that a packet points to; null where it is all there is. */
export function extensionOf(packet: Bytes): string | null {
  return property(packet, NOTE, "HasExtendedXMP");
}

/** The text of a property, which other programs may have turned into an attribute or back. */
function property(packet: Bytes, namespace: string, name: string): string | null {
  const text = utf8(packet).replace(/^[\ufeff\0\s]+|[\ufeff\0\s]+$/g, "");
  if (!text.includes(namespace)) return null;
  // It could define entities that fill the memory.
  if (text.includes("<!DOCTYPE")) throw new Error("not XMP");
  const root = new DOMParser().parseFromString(text, "application/xml");
  if (root.querySelector("parsererror")) throw new Error("not XML");
  const element = root.getElementsByTagNameNS(namespace, name)[0];
  if (element) return element.textContent ?? "";
  for (const child of root.getElementsByTagName("*")) {
    const value = child.getAttributeNS(namespace, name);
    if (value !== null) return value;
  }
  return null;
}
