/** The workflow that a dropped file carries, or why there is none. */

import { parseStrictly } from "../../graph";
import { Bytes } from "./bytes";
import { isJpeg, jpegText } from "./jpeg";
import { isPng, pngTexts } from "./png";
import { isWebp, webpText } from "./webp";

/**
 * What is in a file that somebody dropped. `picture` is what kind of picture carries the workflow,
 * `why` a sentence that says why there is none.
 */
export type Carried =
  | { kind: "workflow"; document: unknown; picture: PictureType | null }
  | { kind: "picture"; type: PictureType; why: string }
  | { kind: "nothing"; why: string };

export type PictureType = "image/png" | "image/jpeg" | "image/webp";

const KEY = "nodegraph";

/** Find the workflow in a picture or JSON file. Only the first bytes tell what a file is. */
export async function carriedBy(file: File): Promise<Carried> {
  const bytes = new Bytes(new Uint8Array(await file.arrayBuffer()));
  if (isPng(bytes)) return picture(file.name, "image/png", () => pngWorkflow(bytes));
  if (isJpeg(bytes)) return picture(file.name, "image/jpeg", () => readingOf(jpegText(bytes)));
  if (isWebp(bytes)) return picture(file.name, "image/webp", () => readingOf(webpText(bytes)));
  return json(file.name, bytes);
}

type Reading = { text: string } | { why: string };

const NONE = "carries no workflow: it was not saved by nodegraph, or another program removed it";

async function picture(
  name: string,
  type: PictureType,
  read: () => Reading | Promise<Reading>,
): Promise<Carried> {
  try {
    const result = await read();
    if ("why" in result) return { kind: "picture", type, why: `${name} ${result.why}` };
    return { kind: "workflow", document: parseStrictly(result.text), picture: type };
  } catch {
    return { kind: "picture", type, why: `${name}: the workflow inside this picture is damaged` };
  }
}

function readingOf(text: string | null): Reading {
  return text === null ? { why: NONE } : { text };
}

async function pngWorkflow(bytes: Bytes): Promise<Reading> {
  const texts = pngTexts(bytes);
  const ours = texts.get(KEY);
  if (ours) return { text: await ours() };
  if (texts.has("workflow") || texts.has("prompt")) {
    return { why: "carries a workflow of ComfyUI, which has another format" };
  }
  if (texts.has("parameters")) {
    return { why: "carries the settings of another program, not a workflow" };
  }
  return { why: NONE };
}

function json(name: string, bytes: Bytes): Carried {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.data);
  } catch {
    return { kind: "nothing", why: `${name} is no PNG, JPEG or WebP picture and no JSON file` };
  }
  try {
    return { kind: "workflow", document: parseStrictly(text), picture: null };
  } catch (error) {
    return { kind: "nothing", why: `${name} is not JSON: ${(error as Error).message}` };
  }
}
