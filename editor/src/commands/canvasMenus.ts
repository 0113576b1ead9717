/** The menus of the canvas, of nodes, of frames and of wires. */

import { own, present, select, type Wire } from "../graph";
import { openPalette } from "../ui/paletteRequest";
import { removeFrames } from "./nodeActions";
import { expandNode, openTemplate } from "./templateActions";
import { selection } from "../canvas/selection";
import { COMMANDS, type Command } from "./commands";
import { frameOf } from "../canvas/nodes";
import { removeWire } from "../canvas/wireEdits";
import type { Menu, MenuItem } from "../ui/menu/menu";

const item = (command: Command): MenuItem => ({
  label: command.label,
  run: () => command.run(),
  ...(command.keys[0] ? { keys: command.keys[0] } : {}),
});

export function paneMenu(x: number, y: number): Menu {
  return [
    [{ ...item(COMMANDS.add), run: () => openPalette({ x, y }) }],
    [item(COMMANDS.paste), item(COMMANDS.selectAll)],
    [item(COMMANDS.tidy), item(COMMANDS.fit)],
    [item(COMMANDS.undo), item(COMMANDS.redo)],
  ];
}

export function nodeMenu(id: string): Menu {
  const frame = frameOf(id);
  if (frame !== undefined) {
    return [[{ label: "Remove the frame", run: () => removeFrames(new Set([frame])) }]];
  }
  if (!selection().has(id)) select([id]);
  const type = own(present().nodes, id)?.type ?? "";
  const isTemplate = own(present().templates, type) !== undefined || templateTypes.has(type);
  return [
    [item(COMMANDS.runChosen)],
    [item(COMMANDS.connect)],
    [item(COMMANDS.cut), item(COMMANDS.copy), item(COMMANDS.duplicate), item(COMMANDS.remove)],
    [item(COMMANDS.rename), item(COMMANDS.fold), item(COMMANDS.frame), item(COMMANDS.collapse)],
    isTemplate
      ? [
          { label: "Expand the template", run: () => void expandNode(id) },
          { label: "Open the template in a tab", run: () => void openTemplate(id) },
        ]
      : [],
  ];
}

/** The templates that the server told of; set when the kinds are read. */
export const templateTypes = new Set<string>();

export function wireMenu(wire: Wire): Menu {
  return [[{ label: "Remove the wire", keys: "Delete", run: () => removeWire(wire) }]];
}
