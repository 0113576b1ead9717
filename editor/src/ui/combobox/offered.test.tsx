import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import { Combobox } from "./Combobox";
import { offerOf } from "./ModelField";

const model = { name: "a", family: "SD 1.x", built_in: false, unfit: "" };

test.each([
  ["package", "SD 1.x · built in"],
  ["hub", "SD 1.x · downloaded"],
  ["partly", "SD 1.x · partly downloaded"],
  ["folder", "SD 1.x · in a model folder"],
] as const)("of a model from the %s it is said where it is", (source, hint) => {
  expect(offerOf({ ...model, source }).hint).toBe(hint);
});

test("what does not fit is named with the reason, and is no offer", async () => {
  const onOpen = vi.fn();
  render(
    <Combobox
      attributes={{ "aria-label": "Model" }}
      value=""
      offers={[{ name: "tiny", hint: "built in" }]}
      unfit={[{ name: "xl", hint: "is for SDXL" }]}
      onOpen={onOpen}
      onType={() => undefined}
      onChoose={() => undefined}
    />,
  );

  await userEvent.click(screen.getByRole("combobox"));

  expect(screen.getAllByRole("option").map((one) => one.textContent)).toEqual(["tinybuilt in"]);
  expect(screen.getByRole("region", { name: /of no use/ }).textContent).toContain("xl is for SDXL");
  expect(onOpen).toHaveBeenCalledOnce();
});
