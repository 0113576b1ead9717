/** Texts and colours. */

import { scrollsItself } from "../wheel";
import { attributes, type FieldProps } from "./fieldProps";
import { useField, type Commit } from "../../ui/useField";
import { jsonText } from "./values";

interface TextProps extends FieldProps {
  readonly long: boolean;
  readonly optional: boolean;
  readonly maxLength: number | undefined;
}

/** A text: one line, or several where it is prose. */
export function TextField({ long, optional, maxLength, ...props }: TextProps) {
  const value = typeof props.value === "string" ? props.value : props.value == null ? "" : jsonText(props.value);
  const take: Commit = (text, typing) => props.commit(text === "" && optional ? null : text, typing);
  if (long) return <Prose {...props} text={value} take={take} />;
  return <LineField {...props} text={value} take={take} maxLength={maxLength} live />;
}

interface LineProps extends FieldProps {
  /** What is shown for the value, and what is told of a text that was entered. */
  readonly text: string;
  readonly maxLength?: number | undefined;
  /** Whether each state of it on the way is a value too. */
  readonly live?: boolean;
  take: Commit;
}

/** One line, whatever it stands for. */
export function LineField({ text, take, maxLength, live = false, ...props }: LineProps) {
  const field = useField(text, take, { live });
  return (
    <input
      {...attributes(props)}
      {...field}
      type="text"
      className="nodrag"
      maxLength={maxLength}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

function Prose({ text, take, ...props }: Omit<LineProps, "maxLength">) {
  const field = useField(text, take, { enter: false, live: true });
  return (
    <textarea
      {...attributes(props)}
      {...field}
      className="nodrag"
      onWheelCapture={scrollsItself}
      rows={2}
      spellCheck={false}
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
