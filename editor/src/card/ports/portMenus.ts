/** The menus of inputs and outputs: connect them, put them on the form, keep them as results. */

import {
  disconnectAll,
  edit,
  kindOf,
  kindsNow,
  own,
  paramAt,
  present,
  resultAt,
  setValue,
  takesSeveral,
  toggleParam,
  toggleResult,
  typeName,
  wiresInto,
  type Input,
  type Json,
  type Output,
  type Port,
  type Wire,
} from "../../graph";
import type { Menu, MenuItem } from "../../ui/menu/menu";
import { openPalette } from "../../ui/paletteRequest";
import { emptyValue } from "../fields/values";
import { widgetFor } from "../fields/widgets";
import { nodeElement } from "../nodeElement";
import { labelParam, renameOfTemplate, renameOwn } from "./renamePorts";

export function inputMenu(node: string, name: string, input: Input): Menu {
  const call = own(present().nodes, node);
  if (!call) return [];
  const wires = wiresInto(node, call).filter((wire) => wire.input === name);
  const isWired = wires.length > 0 || widgetFor(name, input).kind === "wire";
  return [
    [connectItem({ node, side: "in", port: name }), ...(wires.length ? [disconnectItem(wires)] : [])],
    wires.length ? [] : valueItems(node, name, input, own(call.values, name)),
    isWired ? [] : formItems(`${node}.${name}`, input.title ?? name),
    templateItems(call.type, "params", name),
  ];
}

export function outputMenu(node: string, name: string): Menu {
  const address = `${node}.${name}`;
  const wires = Object.entries(present().nodes).flatMap(([target, call]) =>
    wiresInto(target, call).filter((wire) => wire.source === node && wire.output === name),
  );
  const result = resultAt(present(), address);
  const toggle = () => edit("change results", (workflow) => toggleResult(workflow, address));
  return [
    [connectItem({ node, side: "out", port: name }), ...(wires.length ? [disconnectItem(wires)] : [])],
    result === undefined
      ? [{ label: "Keep it as a result", run: toggle }]
      : [
          { label: "Rename the result …", keys: "F2", run: () => void renameOwn("results", result) },
          { label: "Keep it as a result no longer", run: toggle },
        ],
    templateItems(own(present().nodes, node)?.type ?? "", "results", name),
  ];
}

/** All ports of a node, to connect one of them without pointing at it. */
export function connectMenu(node: string): Menu {
  const kind = kindOf(node);
  const items = (side: "in" | "out", ports: Readonly<Record<string, Input | Output>>) =>
    Object.entries(ports).map(([port, described]): MenuItem => {
      const title = described.title ?? port;
      return {
        label: side === "out" ? `${title} goes to …` : `${title} comes from …`,
        hint: typeName(described),
        run: connectItem({ node, side, port }).run,
      };
    });
  return [items("out", kind?.outputs ?? {}), items("in", kind?.inputs ?? {})];
}

function valueItems(node: string, name: string, input: Input, value: Json | undefined): MenuItem[] {
  const widget = widgetFor(name, input);
  const set = (label: string, next: Json | undefined): MenuItem => ({
    label,
    run: () => edit(`set ${node}.${name}`, (workflow) => setValue(workflow, node, name, next, input)),
  });
  const single = value ?? input.default ?? emptyValue(widget);
  const mapped = widget.kind !== "wire" && !takesSeveral(input);
  return [
    ...(mapped && !Array.isArray(value) ? [set("Several values, one run each", [single])] : []),
    ...(mapped && Array.isArray(value) ? [set("One value", (value as readonly Json[])[0])] : []),
    ...(value !== undefined && !input.required ? [set("Back to the default", undefined)] : []),
  ];
}

function connectItem(from: Port): MenuItem {
  return {
    label: "Connect to …",
    run: () => {
      const node = nodeElement(from.node);
      const dot = node?.querySelector(`[data-port="${CSS.escape(`${from.side}:${from.port}`)}"]`);
      const box = (dot ?? node)?.getBoundingClientRect();
      const aside = from.side === "out" ? 24 : -344;
      openPalette({ x: (box?.left ?? 0) + aside, y: box?.top ?? 0, from, byName: true });
    },
  };
}

function disconnectItem(wires: readonly Wire[]): MenuItem {
  return {
    label: wires.length === 1 ? "Remove the wire" : "Remove all wires",
    run: () => edit("remove wires", (workflow) => disconnectAll(workflow, wires, kindsNow())),
  };
}

function formItems(address: string, label: string): MenuItem[] {
  const param = paramAt(present(), address);
  const toggle = () => edit("change the form", (workflow) => toggleParam(workflow, address, label));
  if (param === undefined) return [{ label: "Put it on the form", run: toggle }];
  return [
    { label: "Label on the form …", run: () => void labelParam(param) },
    { label: "Rename the parameter …", keys: "F2", run: () => void renameOwn("params", param) },
    { label: "Take it off the form", run: toggle },
  ];
}

/** A template that the workflow carries is its own to change. */
function templateItems(type: string, side: "params" | "results", old: string): MenuItem[] {
  if (!own(present().templates, type)) return [];
  return [{ label: "Rename it in the template …", run: () => void renameOfTemplate({ type, side, old }) }];
}
