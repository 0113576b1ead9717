/** The props of every control of a value. */

import type { Json } from "../../graph";

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  /** What is stored, else the default; undefined where there is neither. */
  readonly value: Json | undefined;
  readonly wrong: boolean;
  /** The id of what describes or criticises it. */
  readonly describedBy: string | undefined;
  /** Take a value; what is told while one types has the same `typing`, and is one step. */
  commit(value: Json, typing?: string): void;
}

/** What makes a control findable and says what is wrong with it. */
export function attributes({ id, label, wrong, describedBy }: FieldProps) {
  return {
    id,
    "aria-label": label,
    "aria-invalid": wrong || undefined,
    "aria-describedby": describedBy,
  };
}
