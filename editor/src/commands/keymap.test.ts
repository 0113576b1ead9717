import { describe, expect, it } from "vitest";

import { allCommands } from "./commands";
import { isPress, isTyping, type Press } from "../ui/keys";
import { commandFor } from "./keymap";

const press = (key: string, held: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
});

describe("a key press", () => {
  it.each([
    [press("z", { ctrlKey: true }), "Undo"],
    [press("Z", { ctrlKey: true, shiftKey: true }), "Redo"],
    [press("y", { metaKey: true }), "Redo"],
    [press("Enter", { ctrlKey: true }), "Run"],
    [press("Enter", { ctrlKey: true, shiftKey: true }), "Run to the selected nodes"],
    [press("Delete"), "Delete"],
    [press("F2"), "Rename"],
    [press("?", { shiftKey: true }), "Keyboard shortcuts"],
    [press("+", { shiftKey: true }), "Zoom in"],
    [press("+"), "Zoom in"],
    [press("z"), undefined],
    [press("v", { ctrlKey: true }), undefined],
    [press("f", { altKey: true }), undefined],
  ])("%j means %s", (given, label) => {
    expect(commandFor(given, allCommands())?.label).toBe(label);
  });

  it("stands for one command only", () => {
    const keys = allCommands().flatMap((command) => command.keys);

    expect(keys.length).toBe(new Set(keys).size);
  });

  it("is the browser's where somebody types", () => {
    const area = document.createElement("textarea");
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });

    expect([area, box, document.body].map(isTyping)).toEqual([true, false, false]);
    expect(isPress(press(" "), "Space")).toBe(true);
  });
});
