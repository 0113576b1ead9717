import { useEffect, useState } from "react";

import { sentence } from "../../server";
import { upload } from "../../server/api";
import { type Carried, type PictureType, carriedBy } from "../carried/carried";
import { draggedAsset, PICTURE } from "../gallery/drag";
import { type Host, useHost } from "../host";

/** The node that reads a picture, and its input. */
const READER = "LoadImage";
const INPUT = "path";

/**
 * Take what is dropped anywhere on the page: a workflow is opened, a picture on a node that loads
 * one fills it, a picture of the gallery becomes such a node. True while something is over the page.
 */
export function useFileDrop(): boolean {
  const host = useHost();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const onOver = (event: DragEvent) => {
      if (!isOurs(event)) return;
      event.preventDefault();
      setOver(event.dataTransfer?.types.includes("Files") ?? false);
    };
    const onLeave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const onDrop = (event: DragEvent) => {
      setOver(false);
      if (!event.dataTransfer || !isOurs(event)) return;
      event.preventDefault();
      const at = { x: event.clientX, y: event.clientY };
      const asset = draggedAsset(event.dataTransfer);
      if (asset !== null) putPicture(host, asset, at);
      else void takeFiles(host, [...event.dataTransfer.files], at);
    };
    window.addEventListener("dragover", onOver);
    window.addEventListener("dragleave", onLeave);
    window.addEventListener("drop", onDrop);
    return () => {
      window.removeEventListener("dragover", onOver);
      window.removeEventListener("dragleave", onLeave);
      window.removeEventListener("drop", onDrop);
    };
  }, [host]);
  return over;
}

interface Point {
  x: number;
  y: number;
}

/** Take files that were dropped at a point, one after the other. */
export async function takeFiles(host: Host, files: readonly File[], at: Point): Promise<void> {
  for (const file of files) {
    try {
      await takeFile(host, file, at);
    } catch (error) {
      host.say(sentence(error));
    }
  }
}

async function takeFile(host: Host, file: File, at: Point): Promise<void> {
  const carried = await carriedBy(file);
  // Onto a node that reads a picture: the picture is meant, whatever it carries.
  if (isPicture(carried) && readerAt(host, at)) {
    const { asset } = await upload(typed(file, carried), file.name);
    putPicture(host, asset, at);
  } else if (carried.kind === "workflow") {
    host.open(carried.document, { kind: "file", file: file.name });
  } else if (carried.kind === "picture") {
    host.say(`${carried.why}. Drop it onto a ${READER} node to use it as a picture.`);
  } else {
    host.say(carried.why);
  }
}

function isPicture(carried: Carried): carried is Exclude<Carried, { kind: "nothing" }> {
  return carried.kind === "picture" || (carried.kind === "workflow" && carried.picture !== null);
}

/** The file as what it is, whatever its name says. */
function typed(file: File, carried: Exclude<Carried, { kind: "nothing" }>): Blob {
  const type: PictureType | null = carried.kind === "picture" ? carried.type : carried.picture;
  return new Blob([file], { type: type ?? file.type });
}

function putPicture(host: Host, asset: string, at: Point): void {
  const node = readerAt(host, at);
  if (node) host.setValue(node, INPUT, asset);
  else host.addNode(READER, { [INPUT]: asset }, at.x, at.y);
}

function readerAt(host: Host, { x, y }: Point): string | null {
  const node = host.nodeAt(x, y);
  return node?.type === READER ? node.name : null;
}

function isOurs({ dataTransfer }: DragEvent): boolean {
  return ["Files", PICTURE].some((type) => dataTransfer?.types.includes(type));
}
