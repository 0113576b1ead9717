import {
  Background,
  BackgroundVariant,
  ConnectionLineType,
  Controls,
  MiniMap,
  ReactFlow,
  SelectionMode,
  type Edge,
  type EdgeTypes,
  type NodeTypes,
} from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useRef } from "react";
import { useStore } from "zustand";

import { FrameCard } from "../canvas/FrameCard";
import { MapNode } from "../canvas/MapNode";
import { WireEdge } from "../canvas/WireEdge";
import { connected, connectionEnded, connectionStarted } from "../canvas/connecting";
import type { FlowEdge } from "../canvas/edges";
import { changeEdges, flow } from "../canvas/flow";
import { keepView, viewFor } from "../canvas/lastViewport";
import { beginDrag, takeChanges } from "../canvas/moveNodes";
import type { FlowNode } from "../canvas/nodes";
import { focusCanvas, setInstance } from "../canvas/viewport";
import { reconnectWire, refusal, removeWire } from "../canvas/wireEdits";
import { NodeCard } from "../card/NodeCard";
import { nodeMenu, paneMenu, wireMenu } from "../commands/canvasMenus";
import { PlaceWhenDrawn } from "../documents/PlaceWhenDrawn";
import { openMenu } from "../ui/menu/menu";

// Constants: a new object would make React Flow draw everything anew.
const NODES = { call: NodeCard, frame: FrameCard } satisfies NodeTypes;
const EDGES = { wire: WireEdge } satisfies EdgeTypes;

const NO_KEY = null;
const MULTI = ["Shift", "Control", "Meta"];
const MAP = { width: 168, height: 120 };

/** The drawing of a document by React Flow, and what each of its gestures does. */
export function Drawing() {
  const { nodes, edges, document } = useStore(flow);
  const reconnected = useRef(false);
  return (
    <ReactFlow<FlowNode, FlowEdge>
      key={document}
      nodes={nodes}
      edges={edges}
      nodeTypes={NODES}
      edgeTypes={EDGES}
      onInit={setInstance}
      onNodesChange={takeChanges}
      onEdgesChange={(changes) => changeEdges(changes.filter((change) => change.type !== "remove"))}
      onNodeDragStart={({ altKey }, _, moving) => beginDrag(moving, altKey)}
      onSelectionDragStart={(_, moving) => beginDrag(moving)}
      isValidConnection={(ends) => refusal(withHandles(ends)) === undefined}
      onConnectStart={connectionStarted}
      onConnectEnd={connectionEnded}
      onConnect={connected}
      onReconnectStart={() => (reconnected.current = false)}
      onReconnect={(edge, ends) => {
        reconnected.current = true;
        if (edge.data) reconnectWire(edge.data.wire, ends);
      }}
      onReconnectEnd={(_, edge) => {
        if (!reconnected.current && edge.data) removeWire(edge.data.wire);
      }}
      onPaneClick={focusCanvas}
      onPaneContextMenu={(event) => openMenu(event, paneMenu(event.clientX, event.clientY))}
      onNodeContextMenu={(event, node) => openMenu(event, nodeMenu(node.id))}
      onEdgeContextMenu={(event, edge) => edge.data && openMenu(event, wireMenu(edge.data.wire))}
      {...viewFor(document)}
      onMoveEnd={(_, view) => keepView(document, view)}
      minZoom={0.1}
      maxZoom={2}
      zoomOnDoubleClick={false}
      panActivationKeyCode={NO_KEY}
      deleteKeyCode={NO_KEY}
      selectionMode={SelectionMode.Partial}
      multiSelectionKeyCode={MULTI}
      connectionRadius={24}
      connectionLineType={ConnectionLineType.Bezier}
      elevateEdgesOnSelect
      nodeDragThreshold={2}
      colorMode="system"
    >
      <PlaceWhenDrawn key={document} document={document} />
      <Background variant={BackgroundVariant.Dots} gap={20} size={1.2} />
      <Controls showInteractive={false} />
      <MiniMap pannable zoomable style={MAP} nodeComponent={MapNode} ariaLabel="Overview of the graph" />
    </ReactFlow>
  );
}

function withHandles(ends: Edge | { source: string; target: string; sourceHandle: string | null; targetHandle: string | null }) {
  const { source, target, sourceHandle = null, targetHandle = null } = ends;
  return { source, target, sourceHandle, targetHandle };
}
