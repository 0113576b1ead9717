/** The controls of values, one for each kind of widget. */

import { useEffect, useRef, useState, type CSSProperties } from "react";

import type { Json } from "../graph";
import { PathField } from "./PathField";
import { useField } from "./useField";
import { dice, jsonOf, jsonText, limited, numberOf, type NumberWidget, type Widget } from "./widgets";

export interface FieldProps {
  readonly id: string;
  readonly label: string;
  /** What is stored, else the default; undefined where there is neither. */
  readonly value: Json | undefined;
  readonly wrong: boolean;
  /** The id of what describes or criticises it. */
  readonly describedBy: string | undefined;
  /** Names that are offered while one types. */
  readonly list: string | undefined;
  commit(value: Json): void;
}

/** The control for one value. */
export function ValueField({ widget, ...props }: FieldProps & { readonly widget: Widget }) {
  switch (widget.kind) {
    case "wire":
      return null;
    case "toggle":
      return <ToggleField {...props} />;
    case "choice":
      return <ChoiceField {...props} options={widget.options} optional={widget.optional} />;
    case "number":
      return widget.slider ? (
        <SliderField {...props} widget={widget} />
      ) : (
        <NumberField {...props} widget={widget} />
      );
    case "text":
      return <TextField {...props} {...widget} />;
    case "path":
      return <PathField {...props} />;
    case "colour":
      return <ColourField {...props} optional={widget.optional} />;
    case "json":
      return <JsonField {...props} />;
  }
}

function attributes({ id, label, wrong, describedBy }: FieldProps) {
  return {
    id,
    "aria-label": label,
    "aria-invalid": wrong || undefined,
    "aria-describedby": describedBy,
  };
}

function ToggleField(props: FieldProps) {
  return (
    <input
      {...attributes(props)}
      type="checkbox"
      className="nodrag"
      checked={props.value === true}
      onChange={(event) => props.commit(event.target.checked)}
    />
  );
}

interface ChoiceProps extends FieldProps {
  readonly options: readonly Json[];
  readonly optional: boolean;
}

function ChoiceField({ options, optional, ...props }: ChoiceProps) {
  const known = options.some((option) => option === props.value);
  return (
    <select
      {...attributes(props)}
      className="nodrag"
      value={props.value === undefined || props.value === null ? "" : jsonText(props.value)}
      onChange={({ target }) => props.commit(target.value === "" ? null : jsonOf(target.value))}
    >
      {optional && <option value="">as it comes</option>}
      {!known && props.value !== undefined && props.value !== null && (
        <option value={jsonText(props.value)}>{String(props.value)}</option>
      )}
      {options.map((option) => (
        <option key={jsonText(option)} value={jsonText(option)}>
          {String(option)}
        </option>
      ))}
    </select>
  );
}

function NumberField({ widget, ...props }: FieldProps & { readonly widget: NumberWidget }) {
  const field = useField(shownNumber(props.value), (text) => {
    const value = numberOf(text, widget);
    if (value === undefined || (value === null && !widget.optional)) return;
    props.commit(value === null ? null : value);
  });
  return (
    <span className="number">
      <input
        {...attributes(props)}
        {...field}
        type="number"
        className="nodrag nowheel"
        step={widget.integer ? widget.step : "any"}
        min={widget.minimum}
        max={widget.maximum}
        placeholder={widget.optional ? "auto" : undefined}
      />
      {widget.seed && (
        <button
          type="button"
          className="icon nodrag"
          aria-label={`Roll the dice for ${props.label}`}
          title="Another seed"
          onClick={() => props.commit(dice(widget))}
        >
          <Dice />
        </button>
      )}
    </span>
  );
}

function Dice() {
  return (
    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <rect x="2" y="2" width="12" height="12" rx="3" fill="none" stroke="currentColor" strokeWidth="1.4" />
      {[[5.3, 5.3], [10.7, 5.3], [8, 8], [5.3, 10.7], [10.7, 10.7]].map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="1.1" fill="currentColor" />
      ))}
    </svg>
  );
}

/** A bounded number: dragging shows it at once and is one step when let go. */
function SliderField({ widget, ...props }: FieldProps & { readonly widget: NumberWidget }) {
  const [dragged, setDragged] = useState<number | null>(null);
  const slider = useRef<HTMLInputElement>(null);
  const stored = typeof props.value === "number" ? props.value : (widget.minimum ?? 0);
  const value = dragged ?? stored;
  const commit = useRef(props.commit);
  commit.current = props.commit;
  // React's onChange is the browser's input event; its change event comes once, when one lets go.
  useEffect(() => {
    const element = slider.current;
    const done = () => {
      setDragged(null);
      commit.current(Number(element?.value));
    };
    element?.addEventListener("change", done);
    return () => element?.removeEventListener("change", done);
  }, []);
  const span = (widget.maximum ?? 1) - (widget.minimum ?? 0);
  const filled = { "--filled": `${(100 * (value - (widget.minimum ?? 0))) / (span || 1)}%` };
  return (
    <span className="slider nodrag" style={filled as CSSProperties}>
      <input
        ref={slider}
        type="range"
        aria-label={`${props.label}, slider`}
        min={widget.minimum}
        max={widget.maximum}
        step={widget.step}
        value={value}
        onChange={(event) => setDragged(Number(event.target.value))}
      />
      <BoundedNumber {...props} widget={widget} value={dragged ?? props.value} />
    </span>
  );
}

function BoundedNumber({ widget, ...props }: FieldProps & { readonly widget: NumberWidget }) {
  const field = useField(shownNumber(props.value), (text) => {
    const value = numberOf(text, widget);
    if (typeof value === "number") props.commit(limited(value, widget));
  });
  return (
    <input
      {...attributes(props)}
      {...field}
      type="number"
      className="nodrag nowheel"
      step={widget.integer ? widget.step : "any"}
      min={widget.minimum}
      max={widget.maximum}
    />
  );
}

function shownNumber(value: Json | undefined): string {
  return typeof value === "number" ? String(value) : typeof value === "string" ? value : "";
}

interface TextProps extends FieldProps {
  readonly long: boolean;
  readonly optional: boolean;
  readonly maxLength: number | undefined;
}

function TextField({ long, optional, maxLength, ...props }: TextProps) {
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

function ColourField({ optional, ...props }: FieldProps & { readonly optional: boolean }) {
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

function JsonField(props: FieldProps) {
  const value = props.value === undefined || props.value === null ? "" : jsonText(props.value);
  const field = useField(value, (text) => props.commit(jsonOf(text)));
  return (
    <input
      {...attributes(props)}
      {...field}
      type="text"
      className="nodrag"
      list={props.list}
      spellCheck={false}
      autoComplete="off"
    />
  );
}
