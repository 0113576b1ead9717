/** Arrangement of nodes in columns, in the direction of their wires, by dagre. */

import { Graph, layout as dagre } from "@dagrejs/dagre";

import { wiresOf } from "../wires";
import type { Workflow } from "../workflow";
import { cornerOf, placeOf, placesOf, type Place } from "./places";
import type { Sizes } from "./sizes";

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
  const before = placesOf(workflow, places.keys());
  return shifted(places, before.length > 0 ? cornerOf(before) : [0, 0]);
}

/** A document whose every node has a place: those without get one from the layout of all. */
export function placed(workflow: Workflow, sizes: Sizes): Workflow {
  const names = Object.keys(workflow.nodes);
  if (names.every((name) => placeOf(workflow, name))) return workflow;
  const places = arranged({ ...workflow, view: {} }, sizes);
  const old = Object.fromEntries(names.flatMap((name) => {
    const place = placeOf(workflow, name);
    return place ? [[name, place] as const] : [];
  }));
  const rounded = Object.fromEntries(
    Object.entries({ ...places, ...old }).map(([name, [x, y]]) => [
      name,
      [Math.round(x), Math.round(y)],
    ]),
  );
  return { ...workflow, view: { ...workflow.view, ...rounded } };
}

function shifted(places: ReadonlyMap<string, Place>, to: Place): Record<string, Place> {
  const [left, top] = cornerOf([...places.values()]);
  return Object.fromEntries(
    [...places].map(([name, [x, y]]) => [name, [x - left + to[0], y - top + to[1]] as Place]),
  );
}
