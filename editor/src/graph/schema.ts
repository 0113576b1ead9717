/** JSON Schema as the engine writes it, and what it says of a value: its alternatives, its items, its name. */

import type { components } from "../contract/openapi";

/** JSON Schema as the engine writes it; a type that JSON cannot spell is `{wire: "Image"}`. */
export type Schema = components["schemas"]["PortSchema"];

/** The schema of one item: what is in the list, for a port that carries a list. */
export function elementOf(port: Schema): Schema {
  const listed = alternatives(port).find((part) => part.type === "array");
  return listed?.items ?? (listed ? {} : port);
}

/** The alternatives of a schema, null among them; one for a schema that is no union. */
export function alternatives(schema: Schema): readonly Schema[] {
  return schema.anyOf ? schema.anyOf.flatMap(alternatives) : [schema];
}

export function isNull(schema: Schema): boolean {
  return schema.type === "null";
}

type Limited = { readonly type?: string | string[] } & Pick<
  Schema,
  "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"
>;

/** The least and the greatest value; an open end of whole numbers is the last one within it. */
export function limitsOf(schema: Limited): {
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
} {
  const step = schema.type === "integer" ? 1 : 0;
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  return {
    minimum: schema.minimum ?? (above === undefined ? undefined : above + step),
    maximum: schema.maximum ?? (below === undefined ? undefined : below - step),
  };
}

/** Whether null may be given: the input may be left empty. */
export function isOptional(schema: Schema): boolean {
  return alternatives(schema).some(isNull);
}

/** Whether no value can be written for it: it only takes a wire. */
export function isWireOnly(schema: Schema): boolean {
  const parts = alternatives(elementOf(schema)).filter((part) => !isNull(part));
  return parts.length > 0 && parts.every((part) => part.wire !== undefined);
}

/** Spell a schema's type in a word or two: `Image`, `Image list`, `number`, `text`. */
export function typeName(port: Schema): string {
  const element = alternatives(elementOf(port)).filter((part) => !isNull(part));
  const names = [...new Set(element.map(nameOfOne))];
  const listed = alternatives(port).some((part) => part.type === "array");
  return names.join(" or ") + (listed ? " list" : "");
}

function nameOfOne(schema: Schema): string {
  if (schema.wire !== undefined) return schema.wire;
  if (schema.enum) return "choice";
  switch (schema.type) {
    case "integer":
      return "whole number";
    case "number":
      return "number";
    case "boolean":
      return "yes or no";
    case "string":
      return schema.format === "path" ? "file" : schema.format === "color" ? "colour" : "text";
    case "array":
      return "list";
    default:
      return "any value";
  }
}
