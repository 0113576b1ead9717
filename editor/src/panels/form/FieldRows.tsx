import type { ClipboardEvent } from "react";

import type { Json } from "../../server";
import { Control } from "./Control";
import { blank, type FormField } from "./fields";
import { rowsIn } from "./values";

interface FieldRowsProps {
  id: string;
  field: FormField;
  values: readonly Json[];
  described: string;
  onChange(value: Json): void;
}

/** Several values of one param, a row each; pasted lines become rows. */
export function FieldRows({ id, field, values, described, onChange }: FieldRowsProps) {
  const put = (at: number, value: Json) => onChange(values.map((old, i) => (i === at ? value : old)));
  const remove = (at: number) => {
    const left = values.filter((_, i) => i !== at);
    // A single value is a single value again, where that is possible.
    onChange(field.rows === "maybe" && left.length === 1 ? (left[0] ?? null) : left);
  };
  const paste = (at: number) => (event: ClipboardEvent) => {
    const lines = rowsIn(event.clipboardData.getData("text"));
    if (lines.length < 2 || field.control.kind !== "text") return;
    event.preventDefault();
    onChange([...values.slice(0, at), ...lines, ...values.slice(at + 1)]);
  };
  return (
    <>
      <ol className="rows">
        {values.map((value, at) => (
          <li key={at}>
            <Control
              id={`${id}-${at}`}
              control={field.control}
              value={value}
              optional={false}
              describedBy={described}
              invalid={false}
              label={`${field.label} ${at + 1}`}
              onChange={(next) => put(at, next)}
              onPaste={paste(at)}
            />
            <button
              type="button"
              className="small"
              aria-label={`Remove ${field.label} ${at + 1}`}
              title="Remove this row"
              onClick={() => remove(at)}
            >
              ✕
            </button>
          </li>
        ))}
      </ol>
      <button
        type="button"
        className="small several"
        aria-label={`Add a row to ${field.label}`}
        onClick={() => onChange([...values, blank(field.control)])}
      >
        + add a row
      </button>
    </>
  );
}
