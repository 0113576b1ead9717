/** The fit of outputs and inputs, for quick feedback while one drags; the server's check has the last word. */

import { takesSeveral, type Input, type Kind, type Output } from "./kinds";
import { alternatives, elementOf, isNull, type Schema } from "./schema";
import { addresses, type Json, type Link } from "./workflow";

/** Whether an input takes what an output gives, item by item. */
export function fits(output: Output, input: Input): boolean {
  return accepts(elementOf(input), elementOf(output));
}

/** The inputs of a kind that take `output`: required ones first, then as its author wrote them. */
export function inputsFor(output: Output, kind: Kind): string[] {
  const names = Object.keys(kind.inputs).filter((name) => {
    const input = kind.inputs[name];
    return input !== undefined && fits(output, input);
  });
  // A wire into a text or a number fits too, but is seldom what one means by drawing it.
  const rank = (name: string) => (exact(output, kind.inputs[name]) ? 0 : 2) + (kind.inputs[name]?.required ? 0 : 1);
  return names.sort((left, right) => rank(left) - rank(right));
}

/** The outputs of a kind that `input` takes. */
export function outputsFor(input: Input, kind: Kind): string[] {
  return Object.keys(kind.outputs).filter((name) => {
    const output = kind.outputs[name];
    return output !== undefined && fits(output, input);
  });
}

/**
 * Whether the first wire into an input is written as an array of one, which takes one item of it
 * for each run, rather than all of its items at once. An optional list of wires (`controls`) is
 * about one run; a list that a node is made to collect (`Grid.images`) is about all items.
 */
export function takesOneOfEach(input: Input): boolean {
  return takesSeveral(input) && !input.required && elementOf(input).wire !== undefined;
}

/** What is left of several wires: one alone gives all its items again where lists are for that. */
export function settled(link: Link, input: Input | undefined): Link {
  const [only] = addresses(link);
  const isAlone = only !== undefined && addresses(link).length === 1 && typeof link !== "string";
  return isAlone && input && takesSeveral(input) && !takesOneOfEach(input) ? only : link;
}

function accepts(target: Schema, source: Schema): boolean {
  if (isAny(target)) return !onlyWires(source);
  if (isAny(source)) return !onlyWires(target);
  const sources = alternatives(source);
  const targets = alternatives(target);
  if (sources.length > 1) return sources.every((part) => accepts(target, part));
  if (targets.length > 1) return targets.some((part) => accepts(part, source));
  return acceptsOne(target, source);
}

function acceptsOne(target: Schema, source: Schema): boolean {
  if (target.wire !== undefined || source.wire !== undefined) return target.wire === source.wire;
  if (source.enum) {
    const allowed = target.enum;
    if (allowed) return source.enum.every((value) => allowed.includes(value));
    return source.enum.every((value) => acceptsOne(target, { type: typeOf(value) }));
  }
  if (target.enum) return false;
  if (target.type === "array" && source.type === "array") {
    return accepts(target.items ?? {}, source.items ?? {});
  }
  if (target.type === "number" && source.type === "integer") return true;
  if (target.type === "integer" && source.type === "boolean") return true;
  return target.type === source.type && isPath(target) === isPath(source);
}

/** A path is another type than a text to the engine, though both are written as texts. */
function isPath(schema: Schema): boolean {
  return schema.format === "path";
}

function isAny(schema: Schema): boolean {
  return !schema.wire && !schema.type && !schema.anyOf && !schema.enum;
}

function onlyWires(schema: Schema): boolean {
  return alternatives(schema).every((part) => part.wire !== undefined);
}

function exact(output: Output, input: Input | undefined): boolean {
  if (!input) return false;
  const parts = alternatives(elementOf(input)).filter((part) => !isNull(part));
  const element = elementOf(output);
  return parts.some((part) => part.wire === element.wire && part.type === element.type);
}

function typeOf(value: Json): string {
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
