/** The commands: all that a key can do, for the keyboard, the menus and the list of shortcuts. */

import { copy, cut, duplicate, paste } from "../canvas/clipping";
import { chosenFrames, removeChosen, selection } from "../canvas/selection";
import { fitAll, pointerOnWindow, showNodes, zoom } from "../canvas/viewport";
import { removeChosenWires } from "../canvas/wireEdits";
import { nodeElement } from "../card/nodeElement";
import { connectMenu } from "../card/ports/portMenus";
import { renameFocused } from "../card/ports/renamePorts";
import { renaming } from "../card/renaming";
import { cancelRun, runAll, runChosen } from "../documents/running";
import { redoLast, undoLast } from "../graph";
import { openMenuBelow } from "../ui/menu/menu";
import { openPalette } from "../ui/paletteRequest";
import { say } from "../ui/say";
import { help } from "./help";
import { foldChosen, frameChosen, selectAll, tidy } from "./nodeActions";
import { collapseChosen } from "./templateActions";

export interface Command {
  readonly label: string;
  /** `Mod` is Ctrl, or ⌘ on a Mac. */
  readonly keys: readonly string[];
  readonly section: "Run" | "Edit" | "Nodes" | "View";
  run(): void;
  /** Works wherever the focus is, in a text field too. */
  readonly everywhere?: boolean;
  /** The browser tells it by an event of its own; the key is only listed. */
  readonly listed?: boolean;
}

export const COMMANDS = {
  run: { label: "Run", keys: ["Mod+Enter"], section: "Run", run: () => void runAll(), everywhere: true },
  runChosen: {
    label: "Run to the selected nodes",
    keys: ["Mod+Shift+Enter"],
    section: "Run",
    run: () => void runChosen(),
    everywhere: true,
  },
  cancel: { label: "Cancel the run", keys: ["Mod+."], section: "Run", run: () => void cancelRun(), everywhere: true },
  undo: { label: "Undo", keys: ["Mod+Z"], section: "Edit", run: undoLast },
  redo: { label: "Redo", keys: ["Mod+Shift+Z", "Mod+Y"], section: "Edit", run: redoLast },
  cut: { label: "Cut", keys: ["Mod+X"], section: "Edit", run: cut, listed: true },
  copy: { label: "Copy", keys: ["Mod+C"], section: "Edit", run: copy, listed: true },
  paste: { label: "Paste", keys: ["Mod+V"], section: "Edit", run: () => void paste(), listed: true },
  pasteLinked: {
    label: "Paste with incoming wires",
    keys: ["Mod+Shift+V"],
    section: "Edit",
    run: () => void paste(true),
    listed: true,
  },
  duplicate: { label: "Duplicate", keys: ["Mod+D"], section: "Edit", run: duplicate },
  remove: { label: "Delete", keys: ["Delete", "Backspace"], section: "Edit", run: removeAll },
  selectAll: { label: "Select all", keys: ["Mod+A"], section: "Edit", run: selectAll },
  add: { label: "Add a node", keys: ["Tab", "Space"], section: "Nodes", run: addAtPointer, listed: true },
  connect: { label: "Connect …", keys: ["C"], section: "Nodes", run: connectChosen },
  rename: { label: "Rename", keys: ["F2"], section: "Nodes", run: renameChosen },
  fold: { label: "Fold or unfold", keys: ["H"], section: "Nodes", run: foldChosen },
  frame: { label: "Frame the selection", keys: ["Mod+G"], section: "Nodes", run: () => void frameChosen() },
  collapse: {
    label: "Collapse to a template",
    keys: ["Mod+Shift+G"],
    section: "Nodes",
    run: () => void collapseChosen(),
  },
  tidy: { label: "Tidy up", keys: ["L"], section: "View", run: tidy },
  fit: { label: "Fit everything", keys: ["F"], section: "View", run: fitAll },
  show: { label: "Go to the selection", keys: ["G"], section: "View", run: () => showNodes([...selection()]) },
  zoomIn: { label: "Zoom in", keys: ["+"], section: "View", run: () => zoom("in") },
  zoomOut: { label: "Zoom out", keys: ["-"], section: "View", run: () => zoom("out") },
  zoomWhole: { label: "Zoom to 100 %", keys: ["0"], section: "View", run: () => zoom("whole") },
  help: { label: "Keyboard shortcuts", keys: ["?"], section: "View", run: () => help.setState({ open: true }) },
} satisfies Record<string, Command>;

export function allCommands(): readonly Command[] {
  return Object.values(COMMANDS);
}

function addAtPointer() {
  const [x, y] = pointerOnWindow();
  openPalette({ x, y });
}

/** The ports of the node that has the focus, or is chosen. */
function connectChosen() {
  const focused = document.activeElement?.closest(".react-flow__node-call") ?? null;
  const [chosen = ""] = selection();
  const element =
    focused ?? nodeElement(chosen);
  const node = element?.getAttribute("data-id");
  if (element && node) openMenuBelow(element.querySelector(".card-head") ?? element, connectMenu(node));
  else say("Choose the node to connect first.");
}

function renameChosen() {
  if (renameFocused()) return;
  const [node] = selection();
  if (node !== undefined) renaming.setState({ node });
}

function removeAll() {
  if (selection().size + chosenFrames().size > 0) removeChosen();
  else removeChosenWires();
}
