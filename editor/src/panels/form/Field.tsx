import { useId } from "react";

import type { Json } from "../../server";
import { Control } from "./Control";
import { FieldRows } from "./FieldRows";
import { blank, range, type FormField } from "./fields";

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
        <FieldRows {...{ id, field, described, onChange }} values={Array.isArray(value) ? value : []} />
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
