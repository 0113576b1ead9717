import { useState } from "react";

import type { Json } from "../../server";
import { common, text, type ControlProps, type Props } from "./controlProps";
import type { Control as Kind } from "./fields";
import { PictureFile } from "./PictureFile";
import { JsonText, LongText, NameOfModel, Text } from "./TextControls";

/** The plain HTML control for one value. */
export function Control({ control, ...props }: ControlProps) {
  switch (control.kind) {
    case "text":
      return control.long ? <LongText {...props} /> : <Text {...props} />;
    case "picture":
      return <PictureFile {...props} />;
    case "model":
      return <NameOfModel {...props} list={control.list} />;
    case "number":
      return <NumberField {...props} control={control} />;
    case "switch":
      return (
        <input
          type="checkbox"
          {...common(props)}
          checked={props.value === true}
          onChange={(event) => props.onChange(event.target.checked)}
        />
      );
    case "choice":
      return <Choice {...props} options={control.options} />;
    case "json":
      return <JsonText {...props} />;
  }
}

/** A number while it is typed is a text: `1e`, `-` and nothing are on the way to one. */
function NumberField(props: Props & { control: Extract<Kind, { kind: "number" }> }) {
  const { control, value, optional, onChange } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const { min, max, whole } = control;
  const take = (entered: string) => {
    setTyped(entered);
    if (entered === "") {
      if (optional) onChange(null);
    } else if (Number.isFinite(Number(entered))) onChange(Number(entered));
  };
  return (
    <input
      type="number"
      {...common(props)}
      {...(min === undefined ? {} : { min })}
      {...(max === undefined ? {} : { max })}
      step={whole ? 1 : "any"}
      value={typed ?? text(value)}
      onChange={(event) => take(event.target.value)}
      onBlur={() => setTyped(null)}
    />
  );
}

function Choice(props: Props & { options: readonly Json[] }) {
  const { options, value, optional, onChange } = props;
  const place = options.findIndex((option) => option === value);
  return (
    <select
      {...common(props)}
      value={place}
      onChange={(event) => onChange(options[Number(event.target.value)] ?? null)}
    >
      {(optional || place < 0) && <option value={-1}>{optional ? "none" : text(value)}</option>}
      {options.map((option, at) => (
        <option key={at} value={at}>
          {text(option)}
        </option>
      ))}
    </select>
  );
}
