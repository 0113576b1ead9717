/** The widget of an input, read from its JSON Schema: which control it is edited with. */

import {
  alternatives,
  elementOf,
  isNull,
  isOptional,
  isWireOnly,
  limitsOf,
  type Input,
  type Json,
  type Schema,
} from "../../graph";

export interface NumberWidget {
  readonly kind: "number";
  readonly integer: boolean;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly step: number;
  /** Both ends are near enough for a slider to be of use. */
  readonly slider: boolean;
  /** It is noise that is chosen by it, so chance may choose. */
  readonly seed: boolean;
  readonly optional: boolean;
}

export type Widget =
  | { readonly kind: "wire" }
  | { readonly kind: "toggle" }
  | { readonly kind: "choice"; readonly options: readonly Json[]; readonly optional: boolean }
  | NumberWidget
  | {
      readonly kind: "text";
      readonly long: boolean;
      readonly optional: boolean;
      readonly maxLength: number | undefined;
    }
  /** The name of a model; those of the list `models` are offered. */
  | { readonly kind: "model"; readonly models: string }
  | { readonly kind: "path" }
  | { readonly kind: "colour"; readonly optional: boolean }
  /** Several kinds of values are taken: what reads as JSON is JSON, all else is text. */
  | { readonly kind: "json"; readonly optional: boolean };

/** A span that a slider some 100 pixels wide can choose from. */
const WHOLE_SPAN = 256;
const BROKEN_SPAN = 100;

/** The control for one value of an input called `name`. */
export function widgetFor(name: string, input: Input): Widget {
  const optional = isOptional(input);
  if (isWireOnly(input)) return { kind: "wire" };
  if (input.models !== undefined) return { kind: "model", models: input.models };
  const parts = alternatives(elementOf(input)).filter((part) => !isNull(part) && !part.wire);
  const [schema] = parts;
  if (!schema || parts.length > 1) return { kind: "json", optional };
  if (schema.enum) return { kind: "choice", options: schema.enum, optional };
  switch (schema.type) {
    case "boolean":
      return { kind: "toggle" };
    case "integer":
    case "number":
      return numberFor(name, schema, optional);
    case "string":
      return textFor(name, schema, optional);
    default:
      return { kind: "json", optional };
  }
}

function numberFor(name: string, schema: Schema, optional: boolean): NumberWidget {
  const integer = schema.type === "integer";
  const { minimum, maximum } = limitsOf(schema);
  const span = minimum === undefined || maximum === undefined ? Infinity : maximum - minimum;
  return {
    kind: "number",
    integer,
    minimum,
    maximum,
    step: schema.multipleOf ?? (integer ? 1 : span <= 4 ? 0.05 : 0.1),
    slider: !optional && span <= (integer ? WHOLE_SPAN : BROKEN_SPAN),
    seed: integer && /(^|_)seed$/.test(name),
    optional,
  };
}

function textFor(name: string, schema: Schema, optional: boolean): Widget {
  if (schema.format === "path") return { kind: "path" };
  if (schema.format === "color") return { kind: "colour", optional };
  const long = /(^|_)(prompt|prompts|text|texts)$/.test(name);
  return { kind: "text", long, optional, maxLength: schema.maxLength };
}
