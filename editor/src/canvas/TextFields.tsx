/** Texts and colours. */

import { attributes, type FieldProps } from "./fieldProps";
import { useField } from "./useField";
import { jsonText } from "./widgets";

interface TextProps extends FieldProps {
  readonly long: boolean;
  readonly optional: boolean;
  readonly maxLength: number | undefined;
}

/** A text: one line, or several where it is prose. */
export function TextField({ long, optional, maxLength, ...props }: TextProps) {
  const value = typeof props.value === "string" ? props.value : props.value == null ? "" : jsonText(props.value);
  const field = useField(
    value,
    (text) => props.commit(text === "" && optional ? null : text),
    { enter: !long },
  );
  if (long) {
    return (
      <textarea {...attributes(props)} {...field} className="nodrag nowheel" rows={2} spellCheck={false} />
    );
  }
  return (
    <input
      {...attributes(props)}
      {...field}
      type="text"
      className="nodrag"
      list={props.list}
      maxLength={maxLength}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

/** A colour, chosen or written. */
export function ColourField({ optional, ...props }: FieldProps & { readonly optional: boolean }) {
  const value = typeof props.value === "string" ? props.value : "";
  const field = useField(value, (text) => props.commit(text === "" && optional ? null : text));
  return (
    <span className="colour">
      <input
        type="color"
        className="nodrag"
        aria-label={`${props.label}, picker`}
        value={/^#[0-9a-f]{6}$/i.test(field.value) ? field.value : "#ffffff"}
        onChange={field.onChange}
        onBlur={field.onBlur}
      />
      <input
        {...attributes(props)}
        {...field}
        type="text"
        className="nodrag"
        placeholder={optional ? "auto" : "#ffffff"}
        maxLength={7}
        spellCheck={false}
      />
    </span>
  );
}
