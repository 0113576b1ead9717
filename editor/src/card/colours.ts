/** The colour and the shape of a port, by what goes through it. */

import { alternatives, elementOf, isNull, type Input, type Output } from "../graph";

/** Hues that are far from each other, for the wires that come with the program. */
const HUES: Readonly<Record<string, number>> = {
  Image: 250,
  Mask: 195,
  Latents: 340,
  Conditioning: 75,
  DiffusionModel: 300,
  ControlNetModel: 150,
  Control: 35,
  Shape: 110,
};

export function colourOf(port: Input | Output): string {
  const wire = wireOf(port);
  if (wire === undefined) return "var(--wire-value)";
  return `oklch(var(--wire-light) var(--wire-chroma) ${HUES[wire] ?? hueFor(wire)})`;
}

/** Colour is not all that tells: lists are square, values are slim, all else is round. */
export function shapeOf(port: Input | Output): "round" | "square" | "slim" {
  if (alternatives(port).some((part) => part.type === "array")) return "square";
  return wireOf(port) === undefined ? "slim" : "round";
}

function wireOf(port: Input | Output): string | undefined {
  return alternatives(elementOf(port)).find((part) => !isNull(part))?.wire;
}

/** Somebody's own wire has a hue too, always the same one. */
function hueFor(name: string): number {
  let sum = 7;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) % 360;
  return sum;
}

/** The hue of a palette group, for the band of its nodes. */
export function groupHue(group: string): number {
  return GROUPS[group] ?? hueFor(group);
}

const GROUPS: Readonly<Record<string, number>> = {
  images: 250,
  geometry: 225,
  retouch: 200,
  combine: 185,
  preprocessors: 150,
  surfaces: 135,
  models: 300,
  sampling: 35,
  redraw: 20,
  latents: 340,
  masks: 195,
  layout: 85,
  sweeps: 105,
  text: 75,
  info: 270,
  templates: 320,
};
