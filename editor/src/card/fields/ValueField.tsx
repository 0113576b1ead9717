/** The controls of values, one for each kind of widget. */

import type { Json } from "../../graph";
import { attributes, type FieldProps } from "./fieldProps";
import { NumberField, SliderField } from "./NumberFields";
import { PathField } from "./PathField";
import { ModelNameField } from "./ModelNameField";
import { ColourField, LineField, TextField } from "./TextFields";
import type { Widget } from "./widgets";
import { jsonOf, jsonText } from "./values";

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
    case "model":
      return <ModelNameField {...props} models={widget.models} />;
    case "path":
      return <PathField {...props} />;
    case "colour":
      return <ColourField {...props} optional={widget.optional} />;
    case "json":
      return <JsonField {...props} />;
  }
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
  const isListed = options.some((option) => option === props.value);
  return (
    <select
      {...attributes(props)}
      className="nodrag"
      value={props.value === undefined || props.value === null ? "" : jsonText(props.value)}
      onChange={({ target }) => props.commit(target.value === "" ? null : jsonOf(target.value))}
    >
      {optional && <option value="">as it comes</option>}
      {!isListed && props.value !== undefined && props.value !== null && (
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

function JsonField(props: FieldProps) {
  const value = props.value === undefined || props.value === null ? "" : jsonText(props.value);
  return <LineField {...props} text={value} take={(text) => props.commit(jsonOf(text))} />;
}
