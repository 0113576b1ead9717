/** Tidy: put nodes in columns in the direction of their wires. */

import { Graph, layout as dagre } from "@dagrejs/dagre";

import {
  foldedOf,
  framesOf,
  moved,
  placeOf,
  rounded,
  withFrames,
  type Frame,
  type Place,
} from "./view";
import { elementOf, isWireOnly, type Kind } from "./kinds";
import { own, type Call, type Workflow } from "./workflow";
import { wiresOf } from "./wires";

export type Sizes = (name: string) => Place;

/** Pixels between columns and between nodes of one. */
const COLUMN = 52;
const ROW = 28;

/** The places of `names` (of all nodes, without them) in good order, where they were on the whole. */
export function arranged(
  workflow: Workflow,
  sizes: Sizes,
  names: ReadonlySet<string> = new Set(Object.keys(workflow.nodes)),
): Record<string, Place> {
  const graph = new Graph({ multigraph: false, compound: false });
  graph.setGraph({ rankdir: "LR", ranksep: COLUMN, nodesep: ROW, marginx: 0, marginy: 0 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of Object.keys(workflow.nodes)) {
    if (!names.has(name)) continue;
    const [width, height] = sizes(name);
    graph.setNode(name, { width, height });
  }
  for (const { source, target } of wiresOf(workflow)) {
    if (graph.hasNode(source) && graph.hasNode(target)) graph.setEdge(source, target);
  }
  dagre(graph);
  const places = new Map(
    graph.nodes().map((name) => {
      const { x = 0, y = 0, width = 0, height = 0 } = graph.node(name);
      return [name, [x - width / 2, y - height / 2] as Place];
    }),
  );
  return shifted(places, corner(workflow, [...places.keys()]));
}

/** The nodes whose middle lies in a frame: they belong to it. */
export function membersOf(workflow: Workflow, frame: Frame, sizes: Sizes): string[] {
  const [left, top] = frame.at;
  const [width, height] = frame.size;
  return Object.keys(workflow.nodes).filter((name) => {
    const place = placeOf(workflow, name);
    if (!place) return false;
    const [x, y] = [place[0] + sizes(name)[0] / 2, place[1] + sizes(name)[1] / 2];
    return x > left && x < left + width && y > top && y < top + height;
  });
}

/** Put nodes elsewhere, and draw each frame anew round those that belonged to it. */
export function movedInFrames(
  workflow: Workflow,
  places: Readonly<Record<string, Place>>,
  sizes: Sizes,
): Workflow {
  const next = moved(workflow, places);
  const frames = framesOf(workflow).map((frame) => {
    const members = membersOf(workflow, frame, sizes);
    const box = members.length ? boxOf(next, members, sizes) : null;
    return box ? { ...frame, ...framed(box) } : frame;
  });
  return withFrames(next, frames);
}

/** The frame that leaves some room round a box, and more above it for the title. */
export function framed({ at, size }: Box): Box {
  return {
    at: rounded([at[0] - 24, at[1] - 48]),
    size: rounded([size[0] + 48, size[1] + 72]),
  };
}

export interface Box {
  readonly at: Place;
  readonly size: Place;
}

/** The rectangle round some nodes. */
export function boxOf(workflow: Workflow, names: readonly string[], sizes: Sizes): Box | null {
  const boxes = names.flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [{ place, size: sizes(name) }] : [];
  });
  if (boxes.length === 0) return null;
  const left = Math.min(...boxes.map(({ place }) => place[0]));
  const top = Math.min(...boxes.map(({ place }) => place[1]));
  const right = Math.max(...boxes.map(({ place, size }) => place[0] + size[0]));
  const bottom = Math.max(...boxes.map(({ place, size }) => place[1] + size[1]));
  return { at: [left, top], size: [right - left, bottom - top] };
}

/** A document whose every node has a place: those without get one from the layout of all. */
export function placed(workflow: Workflow, sizes: Sizes): Workflow {
  const names = Object.keys(workflow.nodes);
  if (names.every((name) => placeOf(workflow, name))) return workflow;
  const places = arranged({ ...workflow, view: {} }, sizes);
  const kept = Object.fromEntries(names.flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [[name, place] as const] : [];
  }));
  const rounded = Object.fromEntries(
    Object.entries({ ...places, ...kept }).map(([name, [x, y]]) => [
      name,
      [Math.round(x), Math.round(y)],
    ]),
  );
  return { ...workflow, view: { ...workflow.view, ...rounded } };
}

/** About how large a node will be, before it was drawn. */
export function estimated(workflow: Workflow, kinds: Readonly<Record<string, Kind>>): Sizes {
  const folded = foldedOf(workflow);
  return (name) => {
    const call = own(workflow.nodes, name);
    const kind = call && own(kinds, call.type);
    if (!call || !kind || folded.has(name)) return [WIDTH, 64];
    const rows = Object.keys(kind.inputs).reduce((sum, input) => sum + rowOf(input, kind, call), 0);
    const strip = showsPictures(kind) ? STRIP : 0;
    return [WIDTH, 44 + rows + 26 * Object.keys(kind.outputs).length + strip];
  };
}

/** As the style sheet has it: 16 rem. */
export const WIDTH = 256;

/** The box of pictures, which a node gets once it has some: room is left for it. */
export const STRIP = 153;

/** Whether what a node gives can be looked at. */
export function showsPictures(kind: Kind): boolean {
  return Object.values(kind.outputs).some((one) => elementOf(one).wire === "Image");
}

function rowOf(input: string, kind: Kind, call: Call): number {
  const value = own(call.values, input);
  if (Array.isArray(value)) return 28 + 52 * value.length;
  const described = kind.inputs[input];
  const long = described && !isWireOnly(described) && /prompt|text$/.test(input);
  return long ? 84 : 28;
}

function corner(workflow: Workflow, names: readonly string[]): Place {
  const known = names.flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [place] : [];
  });
  if (known.length === 0) return [0, 0];
  return [Math.min(...known.map(([x]) => x)), Math.min(...known.map(([, y]) => y))];
}

function shifted(places: ReadonlyMap<string, Place>, to: Place): Record<string, Place> {
  const left = Math.min(...[...places.values()].map(([x]) => x));
  const top = Math.min(...[...places.values()].map(([, y]) => y));
  return Object.fromEntries(
    [...places].map(([name, [x, y]]) => [name, [x - left + to[0], y - top + to[1]] as Place]),
  );
}
