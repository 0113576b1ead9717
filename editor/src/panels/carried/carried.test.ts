import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { carriedBy } from "./carried";

// Written by the engine: nodegraph.png, .jpeg and .webp put this document into pictures of 2 × 2.
const DOCUMENT = {
  format: 1,
  title: "Wer trägt ein grünes Hemd? <&> 🙂\u0001",
  nodes: { photo: { type: "LoadImage", values: { path: "a.png" } } },
};

function fixtureBytes(name: string): Buffer<ArrayBuffer> {
  return readFileSync(join(import.meta.dirname, "fixtures", name));
}

function fixture(name: string): File {
  return file(fixtureBytes(name), name);
}

function file(bytes: Uint8Array<ArrayBuffer> | string, name: string): File {
  return new File([bytes], name);
}

/** A PNG with one more chunk right behind its header; nothing here looks at checksums. */
function withChunk(kind: string, body: Uint8Array, plain = fixtureBytes("plain.png")): File {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const chunk = [length, Buffer.from(kind), Buffer.from(body), Buffer.alloc(4)];
  return file(Buffer.concat([plain.subarray(0, 33), ...chunk, plain.subarray(33)]), "made.png");
}

describe("a picture that carries a workflow", () => {
  test.each([
    ["ours.png", "image/png"],
    ["ours.jpg", "image/jpeg"],
    ["ours.webp", "image/webp"],
    ["lossless.webp", "image/webp"],
  ])("%s gives it back", async (name, type) => {
    expect(await carriedBy(fixture(name))).toEqual({
      kind: "workflow",
      document: DOCUMENT,
      picture: type,
    });
  });

  test("gives back one that is spread over several segments", async () => {
    const carried = await carriedBy(fixture("large.jpg"));

    expect(carried.kind).toBe("workflow");
    expect(carried).toHaveProperty("document.title", "x".repeat(66_000));
  });

  test("gives back one that is spread over several chunks of a PNG, in any order", async () => {
    const part = (place: string, text: string) =>
      Buffer.from(`nodegraph\0\0\0\0${place}\0${text}`);
    const whole = await withChunk("iTXt", part("2/2", '"a":{}}}')).arrayBuffer();
    const plain = Buffer.from(whole);

    expect(await carriedBy(withChunk("iTXt", part("1/2", '{"nodes":{'), plain))).toMatchObject({
      kind: "workflow",
      document: { nodes: { a: {} } },
    });
    expect(await carriedBy(file(plain, "half.png"))).toMatchObject({
      why: "half.png: the workflow inside this picture is damaged",
    });
  });

  test("is known by its bytes, whatever it is called", async () => {
    const bytes = readFileSync(join(import.meta.dirname, "fixtures", "ours.png"));

    expect((await carriedBy(file(bytes, "picture.txt"))).kind).toBe("workflow");
  });

  test("gives back one in a plain text chunk", async () => {
    const carried = await carriedBy(withChunk("tEXt", Buffer.from('nodegraph\0{"nodes":{}}')));

    expect(carried).toEqual({ kind: "workflow", document: { nodes: {} }, picture: "image/png" });
  });
});

describe("a picture that carries none says why", () => {
  test.each([
    ["nothing at all", fixture("plain.png"), /carries no workflow: it was not saved by nodegraph/],
    ["ComfyUI's", withChunk("tEXt", Buffer.from("prompt\0{}")), /of ComfyUI/],
    ["settings only", withChunk("tEXt", Buffer.from("parameters\0a cat")), /settings of another/],
    ["half of one", withChunk("tEXt", Buffer.from('nodegraph\0{"nodes"')), /is damaged/],
    ["a broken stream", withChunk("zTXt", Buffer.from("nodegraph\0\0no zlib")), /is damaged/],
  ])("%s", async (_, picture, why) => {
    const carried = await carriedBy(picture);

    expect(carried.kind).toBe("picture");
    expect(carried).toHaveProperty("why", expect.stringMatching(why));
  });

  test("a JPEG that was cut off inside its metadata", async () => {
    const bytes = readFileSync(join(import.meta.dirname, "fixtures", "large.jpg"));

    const carried = await carriedBy(file(bytes.subarray(0, 66_000), "cut.jpg"));

    expect(carried).toHaveProperty("why", expect.stringMatching(/damaged/));
  });
});

describe("a file that is no picture", () => {
  test("is a workflow if it is JSON", async () => {
    const carried = await carriedBy(file('{"nodes": {}}', "mine.json"));

    expect(carried).toEqual({ kind: "workflow", document: { nodes: {} }, picture: null });
  });

  test.each([
    ["half.json", "{", /half.json is not JSON/],
    ["two.json", '{"nodes": {"a": {}, "a": {}}}', /two.json is not JSON: "a" is given twice/],
    ["a.gif", new Uint8Array([0x47, 0x49, 0x46, 0xff, 0xfe]), /no PNG, JPEG or WebP/],
  ])("is nothing otherwise: %s", async (name, bytes, why) => {
    const carried = await carriedBy(file(bytes, name));

    expect(carried.kind).toBe("nothing");
    expect(carried).toHaveProperty("why", expect.stringMatching(why));
  });
});
