/** The fields of a form, read from the schema of its workflow's params. */

import { limitsOf } from "../../graph";
import type { Json, Schema } from "../../server";

/** How a single value is entered. */
export type Control =
  | { kind: "text"; long: boolean }
  | { kind: "picture" }
  /** The name of a model; those of this list are offered. */
  | { kind: "model"; list: string }
  | { kind: "number"; whole: boolean; min?: number; max?: number }
  | { kind: "switch" }
  | { kind: "choice"; options: readonly Json[] }
  | { kind: "json" };

/** One param of a form. */
export interface FormField {
  name: string;
  label: string;
  help: string;
  required: boolean;
  initial: Json | undefined;
  control: Control;
  /** Left empty it is null, which then means something of its own. */
  optional: boolean;
  /** `always` a list; `maybe`: one value, or several that make as many items. */
  rows: "never" | "maybe" | "always";
}

/** What a port's description says beyond JSON Schema. */
type PortSchema = Schema & { maps?: boolean; models?: string };

/** The fields of a form, in the order of its schema. */
export function fieldsOf(schema: Schema): FormField[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, property]) =>
    fieldOf(name, property, required.has(name)),
  );
}

function fieldOf(name: string, schema: PortSchema, required: boolean): FormField {
  const { inner, optional } = present(schema);
  const { single, list } = apart(inner);
  const rows = !single ? "always" : list || schema.maps ? "maybe" : "never";
  return {
    name,
    label: schema.title ?? name,
    help: schema.description ?? "",
    required,
    initial: schema.default,
    optional,
    rows,
    control: schema.models
      ? { kind: "model", list: schema.models }
      : controlOf(single ?? list?.items ?? {}, name, schema.default),
  };
}

/** A schema without its null, and whether it had one. */
function present(schema: Schema): { inner: Schema; optional: boolean } {
  const branches = schema.anyOf ?? [];
  const rest = branches.filter((branch) => branch.type !== "null");
  if (rest.length === branches.length) return { inner: schema, optional: false };
  const inner = rest.length === 1 ? (rest[0] ?? {}) : { ...schema, anyOf: rest };
  return { inner, optional: true };
}

/** The schema of one value and that of a list of them, where a param takes either. */
function apart(schema: Schema): { single?: Schema; list?: Schema } {
  const branches = schema.anyOf ?? [schema];
  const single = branches.find((branch) => branch.type !== "array");
  const list = branches.find((branch) => branch.type === "array");
  return { ...(single ? { single } : {}), ...(list ? { list } : {}) };
}

function controlOf(schema: Schema, name: string, initial: Json | undefined): Control {
  if (schema.enum) return { kind: "choice", options: schema.enum };
  switch (schema.type) {
    case "boolean":
      return { kind: "switch" };
    case "integer":
    case "number":
      return { kind: "number", whole: schema.type === "integer", ...limits(schema) };
    case "string":
      if (schema.format === "path") return { kind: "picture" };
      return { kind: "text", long: isLong(name, initial) };
    default:
      return { kind: "json" };
  }
}

/** Prompts get room, also where none is given yet. */
function isLong(name: string, initial: Json | undefined): boolean {
  const texts = Array.isArray(initial) ? initial : [initial];
  return /prompt|text/.test(name) || texts.some((text) => String(text ?? "").length > 60);
}

function limits(schema: Schema): { min?: number; max?: number } {
  const { minimum, maximum } = limitsOf(schema);
  return {
    ...(minimum === undefined ? {} : { min: minimum }),
    ...(maximum === undefined ? {} : { max: maximum }),
  };
}

/** What a new row, or a field that has no value, starts with. */
export function blank(control: Control): Json {
  switch (control.kind) {
    case "text":
    case "picture":
    case "model":
      return "";
    case "number":
      return control.min ?? 0;
    case "switch":
      return false;
    case "choice":
      return control.options[0] ?? null;
    case "json":
      return null;
  }
}

/** `1 to 150`, `0 or more`; empty where anything goes. */
export function range(control: Control): string {
  if (control.kind !== "number") return "";
  const { min, max } = control;
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `${min} or more`;
  return max === undefined ? "" : `${max} or less`;
}
