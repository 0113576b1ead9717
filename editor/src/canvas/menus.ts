/** Context menus: what can be done with what was clicked. */

import type { MouseEvent as ReactMouseEvent } from "react";
import { createStore } from "zustand";

import {
  disconnectAll,
  edit,
  kindsNow,
  own,
  paramAt,
  present,
  resultAt,
  select,
  setValue,
  takesSeveral,
  toggleParam,
  toggleResult,
  wiresInto,
  type Input,
  type Json,
  type Wire,
} from "../graph";
import { askPalette } from "../palette/asking";
import { expandNode, openTemplate, removeFrames } from "./actions";
import { selection } from "./clipping";
import { COMMANDS, type Command } from "./commands";
import { frameOf } from "./flow";
import { removeWire } from "./flowActions";
import { emptyValue, widgetFor } from "./widgets";

export interface MenuItem {
  readonly label: string;
  readonly keys?: string;
  run(): void;
}

/** Lines are drawn between groups. */
export type Menu = readonly (readonly MenuItem[])[];

interface Opened {
  readonly x: number;
  readonly y: number;
  readonly menu: Menu;
}

export const menus = createStore<{ readonly opened: Opened | null }>()(() => ({ opened: null }));

export function openMenu(event: ReactMouseEvent | MouseEvent, menu: Menu) {
  // In a text field the browser's own menu is of more use.
  if ((event.target as Element).closest("input, textarea, select")) {
    event.stopPropagation();
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const filled = menu.filter((group) => group.length > 0);
  menus.setState({ opened: { x: event.clientX, y: event.clientY, menu: filled } });
}

export function closeMenu() {
  menus.setState({ opened: null });
}

const item = (command: Command): MenuItem => ({
  label: command.label,
  run: () => command.run(),
  ...(command.keys[0] ? { keys: command.keys[0] } : {}),
});

export function paneMenu(x: number, y: number): Menu {
  return [
    [{ ...item(COMMANDS.add), run: () => askPalette({ x, y }) }],
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
  const isTemplate = own(present().templates, type) !== undefined || isRegistered(type);
  return [
    [item(COMMANDS.runChosen)],
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

function isRegistered(type: string): boolean {
  return templateTypes.has(type);
}

/** The templates that the server told of; set when the kinds are read. */
export const templateTypes = new Set<string>();

export function wireMenu(wire: Wire): Menu {
  return [[{ label: "Remove the wire", keys: "Delete", run: () => removeWire(wire) }]];
}

export function inputMenu(node: string, name: string, input: Input): Menu {
  const call = own(present().nodes, node);
  if (!call) return [];
  const address = `${node}.${name}`;
  const value = own(call.values, name);
  const wires = wiresInto(node, call).filter((wire) => wire.input === name);
  const widget = widgetFor(name, input);
  const set = (label: string, next: Json | undefined): MenuItem => ({
    label,
    run: () => edit(`set ${address}`, (workflow) => setValue(workflow, node, name, next, input)),
  });
  const single = value ?? input.default ?? emptyValue(widget);
  const mapped = wires.length === 0 && widget.kind !== "wire" && !takesSeveral(input);
  return [
    [connectItem({ node, side: "in", port: name })],
    [
      ...(wires.length ? [disconnectItem(wires)] : []),
      ...(mapped && !Array.isArray(value) ? [set("Several values, one run each", [single])] : []),
      ...(mapped && Array.isArray(value) ? [set("One value", (value as readonly Json[])[0])] : []),
      ...(value !== undefined && !input.required ? [set("Back to the default", undefined)] : []),
    ],
    wires.length || widget.kind === "wire" ? [] : [exposeItem(address, input.title ?? name)],
  ];
}

export function outputMenu(node: string, name: string): Menu {
  const address = `${node}.${name}`;
  const wires = Object.entries(present().nodes).flatMap(([target, call]) =>
    wiresInto(target, call).filter((wire) => wire.source === node && wire.output === name),
  );
  const isResult = resultAt(present(), address) !== undefined;
  return [
    [connectItem({ node, side: "out", port: name })],
    wires.length ? [disconnectItem(wires)] : [],
    [
      {
        label: isResult ? "Keep it as a result no longer" : "Keep it as a result",
        run: () => edit("change results", (workflow) => toggleResult(workflow, address)),
      },
    ],
  ];
}

function connectItem(from: { node: string; side: "in" | "out"; port: string }): MenuItem {
  return {
    label: "Connect to …",
    run: () => {
      const dot = document.querySelector(
        `.react-flow__node[data-id="${from.node}"] [data-port="${from.side}:${from.port}"]`,
      );
      const box = dot?.getBoundingClientRect();
      const aside = from.side === "out" ? 24 : -344;
      askPalette({ x: (box?.left ?? 0) + aside, y: box?.top ?? 0, from });
    },
  };
}

function disconnectItem(wires: readonly Wire[]): MenuItem {
  return {
    label: wires.length === 1 ? "Remove the wire" : "Remove all wires",
    run: () => edit("remove wires", (workflow) => disconnectAll(workflow, wires, kindsNow())),
  };
}

function exposeItem(address: string, label: string): MenuItem {
  const exposed = paramAt(present(), address) !== undefined;
  return {
    label: exposed ? "Take it off the form" : "Put it on the form",
    run: () => edit("change the form", (workflow) => toggleParam(workflow, address, label)),
  };
}

