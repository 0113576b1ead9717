import { reordered, type Json } from "../../graph";
import { SignButton } from "../../ui/SignButton";
import { ValueField } from "./ValueField";
import type { FieldProps } from "./fieldProps";
import type { Widget } from "./widgets";

interface ListFieldProps {
  readonly field: Omit<FieldProps, "value" | "commit"> & { readonly widget: Widget };
  readonly values: readonly Json[];
  /** What a new row begins with. */
  readonly fresh: Json;
  commit(values: readonly Json[], typing?: string): void;
  /** Back to a single value, where the input takes one. */
  readonly onOne: (() => void) | undefined;
}

/** Several values, a row each: the node runs once for each, or takes them all. */
export function ListField({ field, values, fresh, commit, onOne }: ListFieldProps) {
  const put = (index: number, value: Json, typing?: string) =>
    commit(values.map((old, place) => (place === index ? value : old)), typing);
  const remove = (index: number) => {
    const left = values.filter((_, place) => place !== index);
    if (left.length === 0 && onOne) onOne();
    else commit(left);
  };
  return (
    <div className="items" role="group" aria-label={`${field.label}, ${values.length} items`}>
      {values.map((value, index) => (
        <div className="item" key={index}>
          <span className="item-number" aria-hidden="true">
            {index + 1}
          </span>
          <ValueField
            {...field}
            id={`${field.id}-${index}`}
            label={`${field.label} ${index + 1}`}
            value={value}
            commit={(next, typing) => put(index, next, typing)}
          />
          <span className="item-buttons">
            <SignButton
              sign="↑"
              label={`Move ${field.label} ${index + 1} up`}
              disabled={index === 0}
              act={() => commit(reordered(values, index, index - 1))}
            />
            <SignButton
              sign="×"
              label={`Remove ${field.label} ${index + 1}`}
              act={() => remove(index)}
            />
          </span>
        </div>
      ))}
      <span className="items-foot">
        <button
          type="button"
          className="small nodrag"
          onClick={() => commit([...values, values.at(-1) ?? fresh])}
        >
          + Add
        </button>
        {onOne && (
          <button type="button" className="small nodrag" onClick={onOne} title="Keep the first value only">
            One value
          </button>
        )}
      </span>
    </div>
  );
}
