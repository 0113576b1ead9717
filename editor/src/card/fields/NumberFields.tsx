/** Numbers: with a slider where both limits are near, with dice where they are seeds. */

import { useEffect, useRef, useState, type CSSProperties } from "react";

import type { Json } from "../../graph";
import { attributes, type FieldProps } from "./fieldProps";
import { useField } from "../../ui/useField";
import type { NumberWidget } from "./widgets";
import { dice, limited, numberOf } from "./values";

/** A number without narrow limits, or one that may be left empty. */
export function NumberField({ widget, ...props }: FieldProps & { readonly widget: NumberWidget }) {
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
        {...boxOf(widget)}
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

/** Milliseconds after which an arrow key on a slider begins a step of its own. */
const BURST = 1000;

let bursts = 0;

/** A bounded number: dragging shows it at once and is one step when let go; arrow keys in a row are one as well. */
export function SliderField({ widget, ...props }: FieldProps & { readonly widget: NumberWidget }) {
  const [dragged, setDragged] = useState<number | null>(null);
  const slider = useRef<HTMLInputElement>(null);
  const stored = typeof props.value === "number" ? props.value : (widget.minimum ?? 0);
  const value = dragged ?? stored;
  const commit = useRef(props.commit);
  commit.current = props.commit;
  // React's onChange is the browser's input event; its change event comes once, when one lets go.
  useEffect(() => {
    const element = slider.current;
    let [burst, last] = ["", -Infinity];
    const begin = () => (last = -Infinity);
    const done = () => {
      setDragged(null);
      if (Date.now() - last >= BURST) burst = `sliding ${++bursts}`;
      last = Date.now();
      commit.current(Number(element?.value), burst);
    };
    element?.addEventListener("pointerdown", begin);
    element?.addEventListener("change", done);
    return () => {
      element?.removeEventListener("pointerdown", begin);
      element?.removeEventListener("change", done);
    };
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
  return <input {...attributes(props)} {...field} {...boxOf(widget)} />;
}

/** What makes an input a box for these numbers. */
function boxOf({ integer, step, minimum, maximum }: NumberWidget) {
  return {
    type: "number",
    className: "nodrag",
    step: integer ? step : "any",
    min: minimum,
    max: maximum,
  } as const;
}

function shownNumber(value: Json | undefined): string {
  return typeof value === "number" ? String(value) : typeof value === "string" ? value : "";
}
