/** The keys that compose a character are no command, in any field: they choose, leave and submit nothing. */

import { act, cleanup, createEvent, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { CardHead } from "../card/CardHead";
import { renaming } from "../card/renaming";
import { COMMANDS } from "../commands/commands";
import { useKeyboard } from "../commands/useKeyboard";
import * as graph from "../graph";
import { HostProvider, type Host } from "../panels";
import { Palette } from "../palette/Palette";
import { KINDS, PORTRAITS } from "../testing/kinds";
import { Combobox } from "../ui/combobox/Combobox";
import { keepCompositions } from "../ui/keys";
import { openPalette, palette } from "../ui/paletteRequest";
import { ask, asked } from "../ui/question";
import { AskDialog } from "../ui/QuestionDialog";
import { leaveOnEscape, useField } from "../ui/useField";

const told = vi.fn();
let stops: (() => void)[] = [];

beforeEach(() => {
  told.mockReset();
  palette.setState({ request: null });
  asked.setState({ question: null });
  renaming.setState({ node: null });
  graph.editor.setState({ documents: [], active: "", closed: [], kinds: KINDS });
  graph.open(PORTRAITS);
  stops = [keepCompositions(), leaveOnEscape()];
});

afterEach(() => {
  stops.forEach((stop) => stop());
  cleanup();
});

function Page() {
  useKeyboard();
  return <input aria-label="Field" {...useField("", told)} />;
}

/** A field of each way in which keys are listened to, and whether it is as it was. */
const FIELDS: readonly (readonly [string, () => HTMLElement, () => boolean])[] = [
  [
    "a value",
    () => (render(<Page />), screen.getByLabelText("Field")),
    () => told.mock.calls.length === 0,
  ],
  [
    "the name of a node",
    () => {
      renaming.setState({ node: "sample" });
      render(
        <HostProvider value={{ say: told } as unknown as Host}>
          <CardHead name="sample" type="Sample" kind={KINDS["Sample"]} folded={false} />
        </HostProvider>,
      );
      return screen.getByLabelText("New name of sample");
    },
    () => renaming.getState().node === "sample",
  ],
  [
    "the palette",
    () => {
      openPalette({ x: 0, y: 0 });
      render(<Palette />);
      return screen.getByLabelText("Find a node");
    },
    () => palette.getState().request !== null,
  ],
  [
    "a question",
    () => {
      void ask({ title: "Title", label: "Title", value: "か" });
      render(<AskDialog />);
      return screen.getByLabelText("Title", { selector: "input" });
    },
    () => asked.getState().question !== null,
  ],
  [
    "a combobox",
    () => {
      const offers = [{ name: "tiny", hint: "" }];
      render(
        <Combobox attributes={{ "aria-label": "Model" }} value="" offers={offers} onType={told} onChoose={told} onKey={told} />,
      );
      const field = screen.getByLabelText("Model", { selector: "input" });
      fireEvent.click(field);
      return field;
    },
    () => told.mock.calls.length === 0 && screen.queryByRole("listbox") !== null,
  ],
];

const KEYS = ["Enter", "Escape", "Tab", "ArrowDown", " "];

/** As Chromium and Firefox tell it; as Safari tells the last key. */
const WAYS = [{ isComposing: true }, { keyCode: 229 }];

describe.each(FIELDS)("in %s", (_, open, isAsItWas) => {
  test.each(KEYS)("%s that an input method takes changes nothing", (key) => {
    const field = open();
    act(() => field.focus());

    for (const way of WAYS) {
      const event = createEvent.keyDown(field, { key, ...way });
      fireEvent(field, event);
      // The input method goes on with it.
      expect(event.defaultPrevented).toBe(false);
    }

    expect(document.activeElement).toBe(field);
    expect(isAsItWas()).toBe(true);
  });
});

test("Ctrl and Enter while composing does not run", () => {
  const run = vi.spyOn(COMMANDS.run, "run").mockImplementation(() => undefined);
  render(<Page />);

  fireEvent.keyDown(screen.getByLabelText("Field"), { key: "Enter", ctrlKey: true, isComposing: true });
  expect(run).not.toHaveBeenCalled();
  fireEvent.keyDown(screen.getByLabelText("Field"), { key: "Enter", ctrlKey: true });

  expect(run).toHaveBeenCalledOnce();
});
