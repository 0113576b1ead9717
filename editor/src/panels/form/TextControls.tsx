/** Texts of a form: a line, prose, the name of a model, and what is written as JSON. */

import { useState } from "react";

import type { Json } from "../../server";
import { ModelField } from "../../ui/combobox/ModelField";
import { common, emptied, text, type Props } from "./controlProps";

export function Text(props: Props) {
  return (
    <input
      {...common(props)}
      value={text(props.value)}
      onChange={(event) => props.onChange(emptied(event.target.value, props.optional))}
      onPaste={props.onPaste}
    />
  );
}

export function LongText(props: Props) {
  const shown = text(props.value);
  return (
    <textarea
      {...common(props)}
      rows={Math.min(6, Math.max(2, Math.ceil(shown.length / 48)))}
      value={shown}
      onChange={(event) => props.onChange(emptied(event.target.value, props.optional))}
      onPaste={props.onPaste}
    />
  );
}

export function NameOfModel({ list, ...props }: Props & { list: string }) {
  const put = (name: string) => props.onChange(emptied(name, props.optional));
  return (
    <ModelField
      list={list}
      attributes={common(props)}
      value={text(props.value)}
      onType={put}
      onChoose={put}
    />
  );
}

/** What has no control of its own is written as JSON. */
export function JsonText(props: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const isJson = typed === null || jsonIn(typed) !== undefined;
  const take = (entered: string) => {
    setTyped(entered);
    const value = jsonIn(entered);
    // On the way to JSON what was there stays until it is one.
    if (value !== undefined) props.onChange(value);
  };
  return (
    <textarea
      {...common(props)}
      rows={3}
      spellCheck={false}
      className="mono"
      value={typed ?? JSON.stringify(props.value ?? null)}
      onChange={(event) => take(event.target.value)}
      aria-invalid={!isJson || props.invalid || undefined}
      // What is no JSON yet is not thrown away for it.
      onBlur={() => isJson && setTyped(null)}
    />
  );
}

function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
