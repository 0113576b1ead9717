import { describe, expect, it, test } from "vitest";

import { KINDS } from "../../testing/kinds";
import { widgetFor, type NumberWidget } from "./widgets";
import { jsonOf, jsonText, limited, numberOf } from "./values";

const widget = (address: string) => {
  const [type = "", input = ""] = address.split(".");
  const found = KINDS[type]?.inputs[input];
  if (!found) throw new Error(`no ${address}`);
  return widgetFor(input, found);
};

describe("the control of an input", () => {
  it.each([
    ["Sample.model", { kind: "wire" }],
    ["Sample.latents", { kind: "wire" }],
    ["Sample.prompt", { kind: "text", long: true }],
    ["Sample.guess_mode", { kind: "toggle" }],
    ["Sample.steps", { kind: "number", integer: true, minimum: 1, maximum: 150, slider: true }],
    ["Sample.seed", { kind: "number", seed: true, maximum: 4294967295, slider: false }],
    ["Sample.guidance_scale", { kind: "number", integer: false, slider: true, step: 0.1 }],
    ["Sample.width", { kind: "number", optional: true, slider: false, maximum: 4096 }],
    ["Sample.scheduler", { kind: "choice", optional: false }],
    ["Control.strength", { kind: "number", step: 0.05 }],
    ["LoadImage.path", { kind: "path" }],
    ["Grid.background", { kind: "colour", optional: false }],
    ["Grid.label_colour", { kind: "colour", optional: true }],
    ["Grid.labels", { kind: "text", long: false }],
    ["Sweep.x", { kind: "json" }],
  ])("of %s is read from its schema", (address, expected) => {
    expect(widget(address)).toMatchObject(expected);
  });

  it("is there for every input of every node", () => {
    for (const kind of Object.values(KINDS)) {
      for (const name of Object.keys(kind.inputs)) widget(`${kind.type}.${name}`);
    }
  });
});

describe("a number field", () => {
  const steps = widget("Sample.steps") as NumberWidget;

  it("reads what people write", () => {
    expect(["12", " 12,6 ", "", "1e1", "many"].map((text) => numberOf(text, steps))).toEqual([
      12, 13, null, 10, undefined,
    ]);
    expect([limited(0, steps), limited(500, steps), limited(20, steps)]).toEqual([1, 150, 20]);
  });
});

describe("a field for anything", () => {
  it.each([1, "DDIM", true, "1", "", null, [1, "a"], '"quoted"', "true", "a man, walking"])(
    "keeps %j as it is",
    (value) => {
      expect(jsonOf(jsonText(value))).toEqual(value);
    },
  );
});

test("a model is named in a field that offers those which fit", () => {
  const models = (type: string, name: string) => {
    const input = KINDS[type]?.inputs[name];
    const widget = input && widgetFor(name, input);
    return widget?.kind === "model" ? widget.models : undefined;
  };

  expect(models("LoadBaseModel", "model")).toBe("base");
  expect(models("LoadControlNet", "model")).toBe("controlnet");
  expect(models("LoadLoRA", "lora")).toBe("lora");
  expect(models("Depth", "model")).toBe("depth");
  expect(models("LoadBaseModel", "variant")).toBeUndefined();
});
