import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { editor, EMPTY, open } from "../graph";
import { Trouble } from "./Trouble";

function Broken(): never {
  throw new Error("the port has no side");
}

test("a fault in drawing says what it was, and that nothing is lost", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  render(
    <Trouble>
      <Broken />
    </Trouble>,
  );

  expect(screen.getByRole("alert").textContent).toContain("the port has no side");
  expect(screen.getByRole("button", { name: "Reload" })).toBe(document.activeElement);
});

test("a workflow that cannot be drawn is closed before the page is read again", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const reload = vi.fn();
  vi.stubGlobal("location", { reload });
  const kept = open(EMPTY);
  open(EMPTY);
  render(
    <Trouble>
      <Broken />
    </Trouble>,
  );

  await userEvent.click(screen.getByRole("button", { name: "Reload without it" }));

  expect(editor.getState().documents.map(({ id }) => id)).toContain(kept);
  expect(editor.getState().active).toBe(kept);
  expect(reload).toHaveBeenCalledOnce();
});

test("what can be drawn is drawn", () => {
  render(<Trouble>drawn</Trouble>);

  expect(screen.getByText("drawn")).toBeDefined();
});
