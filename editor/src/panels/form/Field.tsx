import { type ClipboardEvent, useId } from "react";

import type { Json } from "../../server";
import { Control } from "./Control";
import { type FormField, blank, range } from "./fields";
import { rowsIn } from "./values";

interface FieldProps {
  field: FormField;
  value: Json | undefined;
  problems: readonly string[];
  onChange(value: Json): void;
}

/** A labelled control; where several values are entered, a row for each. */
export function Field({ field, value, problems, onChange }: FieldProps) {
  const id = useId();
  const rows = field.rows === "always" || Array.isArray(value);
  const hint = [field.help, range(field.control)].filter(Boolean).join(" · ");
  const described = [hint && `${id}-hint`, problems.length && `${id}-problems`]
    .filter(Boolean)
    .join(" ");
  return (
    <div
      className={`field ${!rows && isShort(field) ? "short" : ""}`}
      role={rows ? "group" : undefined}
      aria-labelledby={rows ? `${id}-label` : undefined}
    >
      {rows ? (
        <span className="label" id={`${id}-label`}>
          {field.label}
        </span>
      ) : (
        <label className="label" htmlFor={id}>
          {field.label}
        </label>
      )}
      {rows ? (
        <Rows {...{ id, field, described, onChange }} values={Array.isArray(value) ? value : []} />
      ) : (
        <Control
          id={id}
          control={field.control}
          value={value}
          optional={field.optional}
          describedBy={described}
          invalid={problems.length > 0}
          onChange={onChange}
        />
      )}
      {!rows && field.rows === "maybe" && (
        <button
          type="button"
          className="small several"
          aria-label={`Several values for ${field.label}`}
          title="One item for each value"
          onClick={() => onChange([value ?? blank(field.control), blank(field.control)])}
        >
          + several
        </button>
      )}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problems.length > 0 && (
        <p className="bad" id={`${id}-problems`}>
          {problems.join(" ")}
        </p>
      )}
    </div>
  );
}

/** Two of these have room beside each other. */
function isShort({ control }: FormField): boolean {
  return ["number", "choice", "switch"].includes(control.kind);
}

interface RowsProps {
  id: string;
  field: FormField;
  values: readonly Json[];
  described: string;
  onChange(value: Json): void;
}

function Rows({ id, field, values, described, onChange }: RowsProps) {
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
