/** The props that all controls of a form share. */

import type { ClipboardEvent } from "react";

import type { Json } from "../../server";
import type { Control as Kind } from "./fields";

export interface ControlProps {
  id: string;
  control: Kind;
  value: Json | undefined;
  optional: boolean;
  describedBy: string;
  invalid: boolean;
  label?: string | undefined;
  onChange(value: Json): void;
  onPaste?(event: ClipboardEvent): void;
}

/** What every control is given. */
export type Props = Omit<ControlProps, "control">;

/** What makes a control findable and says what is wrong with it. */
export function common({ id, describedBy, invalid, label }: Props) {
  return {
    id,
    "aria-describedby": describedBy || undefined,
    "aria-invalid": invalid || undefined,
    "aria-label": label,
  };
}

/** How a value is written. */
export function text(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The value of a text: an empty one may stand for none. */
export function emptied(entered: string, optional: boolean): Json {
  return entered === "" && optional ? null : entered;
}
