import { fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, test } from "vitest";

import type { Json, Schema } from "../../server";
import { Field } from "./Field";
import { type FormField, fieldsOf } from "./fields";
import { changed, sorted } from "./values";

// As the server describes the params of a workflow.
const SCHEMA = {
  type: "object",
  required: ["picture"],
  properties: {
    prompt: { type: "string", title: "Prompts", default: ["a cat", "a dog"], maps: true },
    steps: { type: "integer", title: "Steps", default: 20, minimum: 1, maximum: 150, maps: true },
    size: {
      title: "Size",
      default: 128,
      anyOf: [{ type: "integer", minimum: 8 }, { type: "null" }],
      maps: true,
    },
    scheduler: { type: "string", title: "Scheduler", enum: ["UniPC", "DDIM"], default: "UniPC" },
    picture: { type: "string", format: "path", title: "Picture" },
    names: { type: "array", title: "Names", items: { type: "string" }, default: [] },
    tiled: { type: "boolean", title: "Tiled", default: false },
  },
} as Schema;

const fields = Object.fromEntries(fieldsOf(SCHEMA).map((field) => [field.name, field]));

function named(name: string): FormField {
  const field = fields[name];
  if (!field) throw new Error(`no field ${name}`);
  return field;
}

describe("a param becomes a field", () => {
  test.each([
    ["prompt", { rows: "maybe", control: { kind: "text", long: true } }],
    ["steps", { rows: "maybe", control: { kind: "number", whole: true, min: 1, max: 150 } }],
    ["size", { optional: true, control: { kind: "number", whole: true, min: 8 } }],
    ["scheduler", { rows: "never", control: { kind: "choice", options: ["UniPC", "DDIM"] } }],
    ["picture", { required: true, control: { kind: "picture" } }],
    ["names", { rows: "always", control: { kind: "text" } }],
    ["tiled", { control: { kind: "switch" } }],
  ])("%s", (name, expected) => {
    expect(named(name)).toMatchObject(expected);
  });
});

test("only what differs from the workflow is sent", () => {
  const entered = { prompt: ["a cat", "a dog"], steps: 21, gone: 1 };

  expect(changed(Object.values(fields), entered)).toEqual({ steps: 21 });
});

test("a problem stands at its field, whether it is told of the param or of what it sets", () => {
  const problems = [
    { address: "params.steps", message: "too many" },
    { address: "sized.width", message: "too small" },
    { address: "sized.height", message: "too small" },
    { address: "photo.path", message: "there is no such file" },
  ];
  const params = { steps: { to: "sample.steps" }, size: { to: ["sized.width", "sized.height"] } };

  const { byField, rest } = sorted(problems, { params });

  expect(byField).toEqual({ steps: ["too many"], size: ["too small"] });
  expect(rest).toEqual([problems[3]]);
});

/** A field whose value is kept, and written where a test can read it. */
function Live({ name, initial }: { name: string; initial: Json | undefined }) {
  const [value, setValue] = useState<Json | undefined>(initial);
  return (
    <>
      <Field field={named(name)} value={value} problems={[]} onChange={setValue} />
      <output>{JSON.stringify(value)}</output>
    </>
  );
}

const value = () => JSON.parse(screen.getByRole("status").textContent ?? "null") as Json;

describe("several prompts", () => {
  test("are rows that can be added, changed and removed", async () => {
    render(<Live name="prompt" initial={["a cat", "a dog"]} />);

    await userEvent.click(screen.getByRole("button", { name: "Add a row to Prompts" }));
    await userEvent.type(screen.getByLabelText("Prompts 3"), "a fox");
    await userEvent.click(screen.getByRole("button", { name: "Remove Prompts 1" }));

    expect(value()).toEqual(["a dog", "a fox"]);
  });

  test("become one value again when one row is left", async () => {
    render(<Live name="prompt" initial={["a cat", "a dog"]} />);

    await userEvent.click(screen.getByRole("button", { name: "Remove Prompts 2" }));

    expect(value()).toBe("a cat");
    expect(screen.getByLabelText("Prompts")).toBeTruthy();
  });

  test("can be pasted at once, a line each", () => {
    render(<Live name="prompt" initial={["a cat", ""]} />);

    fireEvent.paste(screen.getByLabelText("Prompts 2"), {
      clipboardData: { getData: () => "a dog\n\n  a fox \r\nan owl" },
    });

    expect(value()).toEqual(["a cat", "a dog", "a fox", "an owl"]);
  });
});

describe("a number", () => {
  test("may be emptied on the way to another one", async () => {
    render(<Live name="steps" initial={20} />);

    await userEvent.clear(screen.getByLabelText("Steps"));
    expect(value()).toBe(20);
    await userEvent.type(screen.getByLabelText("Steps"), "7");

    expect(value()).toBe(7);
  });

  test("that may be missing is null when it is emptied", async () => {
    render(<Live name="size" initial={128} />);

    await userEvent.clear(screen.getByLabelText("Size"));

    expect(value()).toBe(null);
  });
});
