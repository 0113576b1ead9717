/** Escape leaves a text field with its text, wherever the field is; one step of undo takes it back. */

import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { CardHead } from "../card/CardHead";
import { ValueField } from "../card/fields/ValueField";
import type { Widget } from "../card/fields/widgets";
import { renaming } from "../card/renaming";
import * as graph from "../graph";
import { FormPanel, HostProvider, type Host } from "../panels";
import { readEntered } from "../panels/form/entered";
import { WorkflowsPanel } from "../panels/workflows/WorkflowsPanel";
import { KINDS, PORTRAITS } from "../testing/kinds";
import { ask } from "../ui/question";
import { AskDialog } from "../ui/QuestionDialog";
import { keepCompositions } from "../ui/keys";
import { leaveOnEscape } from "../ui/useField";

const host = { say: vi.fn() };

let stops: (() => void)[];

beforeEach(() => {
  localStorage.clear();
  host.say.mockReset();
  graph.editor.setState({ documents: [], active: "", closed: [], kinds: KINDS });
  graph.open(PORTRAITS);
  stops = [keepCompositions(), leaveOnEscape()];
});

afterEach(() => stops.forEach((stop) => stop()));

const NUMBER = { integer: true, minimum: 0, maximum: 999, step: 1, slider: false, seed: false, optional: false };

/** Every control that texts are typed into: what is typed, and the value that it stands for. */
const FIELDS: readonly (readonly [string, Widget, string, graph.Json])[] = [
  ["a prompt", { kind: "text", long: true, optional: false, maxLength: undefined }, "a fox", "a fox"],
  ["a line", { kind: "text", long: false, optional: false, maxLength: undefined }, "a fox", "a fox"],
  ["a number", { kind: "number", ...NUMBER }, "41", 41],
  ["a seed", { kind: "number", ...NUMBER, seed: true }, "41", 41],
  ["a number with a slider", { kind: "number", ...NUMBER, slider: true }, "41", 41],
  ["the name of a model", { kind: "model", models: "base" }, "my/model", "my/model"],
  ["a path", { kind: "path" }, "a.png", "a.png"],
  ["a colour", { kind: "colour", optional: false }, "#ff0000", "#ff0000"],
  ["anything", { kind: "json", optional: false }, "3.5", 3.5],
];

/** A node's title, changed by one field. */
function OneField({ widget }: { readonly widget: Widget }) {
  const view = graph.useEditor((state) => graph.present(state).view["value"]);
  return (
    <HostProvider value={host as unknown as Host}>
      <ValueField
        widget={widget}
        id="one"
        label="One"
        value={view}
        wrong={false}
        describedBy={undefined}
        commit={(value, typing) =>
          graph.edit("set", (one) => ({ ...one, view: { ...one.view, value } }), typing, Infinity)
        }
      />
    </HostProvider>
  );
}

const value = () => graph.present().view["value"];

describe("Escape on a node", () => {
  test.each(FIELDS)("leaves %s with its text, as one step of undo", async (_, widget, text, stored) => {
    render(<OneField widget={widget} />);
    const field = screen.getByLabelText<HTMLInputElement>("One");

    await userEvent.clear(field);
    await userEvent.type(field, text);
    await userEvent.keyboard("{Escape}{Escape}");

    expect(document.activeElement).toBe(document.body);
    expect(value()).toEqual(stored);
    act(graph.undoLast);
    expect(value()).toBeUndefined();
    act(graph.redoLast);
    expect(value()).toEqual(stored);
  });

  test("leaves the name of a node, which is then renamed", async () => {
    renaming.setState({ node: "sample" });
    render(
      <HostProvider value={host as unknown as Host}>
        <CardHead name="sample" type="Sample" kind={KINDS["Sample"]} folded={false} />
      </HostProvider>,
    );

    const field = screen.getByLabelText("New name of sample");
    await userEvent.clear(field);
    await userEvent.type(field, "portraits{Escape}");

    expect(Object.keys(graph.present().nodes)).toContain("portraits");
    act(graph.undoLast);
    expect(Object.keys(graph.present().nodes)).toContain("sample");
  });

  test("composing a character is not leaving", () => {
    render(<OneField widget={{ kind: "text", long: false, optional: false, maxLength: undefined }} />);
    const field = screen.getByLabelText("One");
    field.focus();
    fireEvent.change(field, { target: { value: "か" } });

    fireEvent.keyDown(field, { key: "Escape", isComposing: true });
    fireEvent.keyDown(field, { key: "Enter", isComposing: true });

    expect(document.activeElement).toBe(field);
    expect(value()).toBeUndefined();
  });
});

test("arrow keys on a slider are one step of undo, and each drag is one", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  render(<OneField widget={{ kind: "number", ...NUMBER, slider: true }} />);
  const slider = screen.getByLabelText<HTMLInputElement>("One, slider");
  const slide = (to: number) => fireEvent.change(slider, { target: { value: String(to) } });

  [1, 2, 3].forEach(slide);
  vi.advanceTimersByTime(2000);
  [4, 5].forEach(slide);
  fireEvent.pointerDown(slider);
  slide(6);

  const seen = [5, 3, undefined].map(() => (act(graph.undoLast), value()));
  vi.useRealTimers();
  expect(seen).toEqual([5, 3, undefined]);
});

test("what cannot be a node's name is said where it is typed", async () => {
  renaming.setState({ node: "sample" });
  render(
    <HostProvider value={host as unknown as Host}>
      <CardHead name="sample" type="Sample" kind={KINDS["Sample"]} folded={false} />
    </HostProvider>,
  );
  const field = screen.getByLabelText<HTMLInputElement>("New name of sample");

  await userEvent.clear(field);
  await userEvent.type(field, "My sample{Enter}");

  expect(screen.getByRole("alert").textContent).toContain("“My sample” is no name");
  expect(field.value).toBe("My sample");
  await userEvent.keyboard("{Escape}");
  expect(host.say).toHaveBeenCalledWith(expect.stringContaining("“My sample” is no name"));
});

test("a long text is kept while it is typed, all of it one step", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  render(<OneField widget={{ kind: "text", long: true, optional: false, maxLength: undefined }} />);
  const field = screen.getByLabelText("One");
  field.focus();
  for (const text of ["a", "a f", "a fox"]) {
    fireEvent.change(field, { target: { value: text } });
    act(() => void vi.advanceTimersByTime(1100));
    expect(value()).toBe(text);
  }
  act(() => field.blur());
  vi.useRealTimers();

  expect(graph.shown()?.history.past).toHaveLength(1);
  act(graph.undoLast);
  expect(value()).toBeUndefined();
});

test("a field that searches is left with its text", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response('{"workflows": []}')));
  render(
    <HostProvider value={host as unknown as Host}>
      <WorkflowsPanel />
    </HostProvider>,
  );
  const field = screen.getByLabelText<HTMLInputElement>("Find a workflow");

  await userEvent.type(field, "canny{Escape}");

  expect([field.value, document.activeElement]).toEqual(["canny", document.body]);
});

test("a dialog that was closed with Escape offers what was typed when it is asked again", async () => {
  render(<AskDialog />);
  const question = { title: "Title", label: "Title of the workflow", value: "Untitled" };
  const opened = () => screen.findByLabelText<HTMLInputElement>("Title of the workflow");
  act(() => void ask(question));
  const field = await opened();
  await userEvent.clear(field);
  await userEvent.type(field, "A long title");
  fireEvent(screen.getByRole("dialog"), new Event("cancel", { cancelable: true }));
  expect(screen.queryByRole("dialog")).toBeNull();

  act(() => void ask(question));

  expect((await opened()).value).toBe("A long title");
  await userEvent.click(screen.getByRole("button", { name: "OK" }));
  act(() => void ask(question));
  expect((await opened()).value).toBe("Untitled");
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
});

test("what a dialog does not take is said in it", async () => {
  render(<AskDialog />);
  act(() => void ask({ title: "Name", label: "Name", value: "a", refuse: (text) => (text === "b" ? "taken" : undefined) }));
  const field = await screen.findByLabelText("Name", { selector: "input" });

  await userEvent.clear(field);
  await userEvent.type(field, "b{Enter}");

  expect(screen.getByRole("alert").textContent).toBe("taken");
  expect(screen.getByRole<HTMLButtonElement>("button", { name: "OK" }).disabled).toBe(true);
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
});

const FORM = { id: "one", name: null };

const PROPERTIES = {
  prompt: { type: "string", title: "Prompt", default: "a cat, sitting on a long wall, at night" },
  line: { type: "string", title: "Line", default: "a" },
  steps: { type: "integer", title: "Steps", default: 20 },
  model: { type: "string", title: "Model", default: "tiny", models: "base" },
  any: { title: "Any", default: 1, anyOf: [{ type: "object" }, { type: "number" }] },
};

/** The form, with what is kept of it. */
async function form() {
  const answer = { title: "Form", schema: { type: "object", properties: PROPERTIES }, results: [] };
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(answer))));
  const document = {};
  function Page() {
    const [workflow] = useState(document);
    return <FormPanel workflow={workflow} title="Form" keep={FORM} onShowGraph={() => undefined} />;
  }
  render(
    <HostProvider value={host as unknown as Host}>
      <Page />
    </HostProvider>,
  );
  await waitFor(() => screen.getByLabelText("Steps"));
}

const entered = () => readEntered(FORM);

describe("Escape in the form", () => {
  test.each([
    ["Prompt", "prompt", "a fox"],
    ["Line", "line", "b"],
    ["Steps", "steps", 7],
    ["Model", "model", "my/model"],
    ["Any", "any", 3],
  ])("leaves %s with its text; undo takes it back, redo brings it again", async (label, name, typed) => {
    await form();
    const field = screen.getByLabelText<HTMLInputElement>(label);

    await userEvent.clear(field);
    await userEvent.type(field, `${typed}{Escape}`);

    expect(document.activeElement).toBe(document.body);
    expect(entered()[name]).toBe(typed);
    await userEvent.keyboard("{Control>}z{/Control}");
    expect(entered()).toEqual({});
    await userEvent.keyboard("{Control>}{Shift>}z{/Shift}{/Control}");
    expect(entered()[name]).toBe(typed);
  });

  test("what is no JSON yet stays, and is marked", async () => {
    await form();
    const field = screen.getByLabelText<HTMLTextAreaElement>("Any");

    fireEvent.change(field, { target: { value: "[1, 2" } });
    fireEvent.blur(field);

    expect(field.value).toBe("[1, 2");
    expect(field.getAttribute("aria-invalid")).toBe("true");
  });

  test("what was set back as it was comes again", async () => {
    await form();
    await userEvent.clear(screen.getByLabelText("Line"));
    await userEvent.type(screen.getByLabelText("Line"), "b{Escape}");

    await userEvent.click(screen.getByRole("button", { name: "As it was" }));
    expect(entered()).toEqual({});
    await userEvent.keyboard("{Control>}z{/Control}");

    expect(entered()).toEqual({ line: "b" });
  });
});
