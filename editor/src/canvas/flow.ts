/** The nodes and edges of React Flow, derived from the document; ahead of it only while one drags. */

import { applyEdgeChanges, applyNodeChanges, type EdgeChange, type NodeChange } from "@xyflow/react";
import { createStore } from "zustand/vanilla";

import { editor, kindsNow, present, shown } from "../graph";
import { nodesOf, type FlowNode } from "./nodes";
import { edgesOf, type FlowEdge } from "./edges";

interface Flow {
  readonly document: string;
  readonly nodes: FlowNode[];
  readonly edges: FlowEdge[];
}

export const flow = createStore<Flow>()(() => ({ document: "", nodes: [], edges: [] }));

/** Draw what is shown now. Nodes and edges that are as they were stay the same objects. */
export function sync() {
  const state = editor.getState();
  const document = shown(state);
  const workflow = present(state);
  const before = flow.getState();
  const drawn = before.document === state.active ? before : { nodes: [], edges: [] };
  const nodes = nodesOf(workflow, document?.selected ?? new Set(), drawn.nodes);
  const edges = edgesOf(workflow, kindsNow(state), drawn.edges);
  flow.setState({ document: state.active, nodes, edges });
}

/** Take React Flow's changes while one drags, resizes or chooses. */
export function changeNodes(changes: NodeChange<FlowNode>[]) {
  flow.setState(({ nodes }) => ({ nodes: applyNodeChanges(changes, nodes) }));
}

export function changeEdges(changes: EdgeChange<FlowEdge>[]) {
  flow.setState(({ edges }) => ({ edges: applyEdgeChanges(changes, edges) }));
}
