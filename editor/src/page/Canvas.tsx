import { useStore as useFlow } from "@xyflow/react";
import { useEffect } from "react";
import { useStore } from "zustand";

import { flow, sync } from "../canvas/flow";
import { notePointer } from "../canvas/viewport";
import { LookDialog } from "../card/LookDialog";
import { useKeyboard } from "../commands/useKeyboard";
import { editor } from "../graph";
import { watchLongPress } from "../ui/menu/longPress";
import { openPalette } from "../ui/paletteRequest";
import { Drawing } from "./Drawing";

/** The zoom below which only the names of nodes can be read. */
const FAR = 0.4;

/** More nodes than this are not painted while they are out of view. */
const MANY = 60;

/** The canvas of the document that is shown: its drawing, its keys and pointer, its menus by touch. */
export function Canvas() {
  const { nodes } = useStore(flow);
  const far = useFlow((state) => state.transform[2] < FAR);
  useKeyboard();
  useEffect(() => {
    sync();
    return editor.subscribe(sync);
  }, []);
  return (
    <section
      className={`canvas ${far ? "far" : ""} ${nodes.length > MANY ? "many" : ""}`}
      aria-label="Graph"
      tabIndex={0}
      ref={watchLongPress}
      onPointerMove={(event) => notePointer(event.clientX, event.clientY)}
      onDoubleClick={({ target, clientX, clientY }) => {
        if ((target as Element).matches(".react-flow__pane")) openPalette({ x: clientX, y: clientY });
      }}
    >
      <Drawing />
      <LookDialog />
    </section>
  );
}
