import { useRef, useState } from "react";

import type { Json } from "../../server";
import { sentence } from "../../server";
import { thumbnailPath, upload } from "../../server/api";
import { Alert } from "../Alert";
import { ModelField } from "../combobox/ModelField";
import { Picture } from "../Picture";
import type { Control as Kind } from "./fields";

interface ControlProps {
  id: string;
  control: Kind;
  value: Json | undefined;
  optional: boolean;
  describedBy: string;
  invalid: boolean;
  label?: string | undefined;
  onChange(value: Json): void;
  onPaste?(event: React.ClipboardEvent): void;
}

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

type Props = Omit<ControlProps, "control">;

function common({ id, describedBy, invalid, label }: Props) {
  return {
    id,
    "aria-describedby": describedBy || undefined,
    "aria-invalid": invalid || undefined,
    "aria-label": label,
  };
}

function Text(props: Props) {
  return (
    <input
      {...common(props)}
      value={text(props.value)}
      onChange={(event) => props.onChange(emptied(event.target.value, props.optional))}
      onPaste={props.onPaste}
    />
  );
}

function NameOfModel({ list, ...props }: Props & { list: string }) {
  const put = (name: string) => props.onChange(emptied(name, props.optional));
  return (
    <ModelField
      list={list}
      attributes={common(props)}
      value={text(props.value)}
      onType={put}
      onChoose={put}
    />
  );
}

function LongText(props: Props) {
  const shown = text(props.value);
  return (
    <textarea
      {...common(props)}
      rows={Math.min(6, Math.max(2, Math.ceil(shown.length / 48)))}
      value={shown}
      onChange={(event) => props.onChange(emptied(event.target.value, props.optional))}
      onPaste={props.onPaste}
    />
  );
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

function PictureFile(props: Props) {
  const [failed, setFailed] = useState<string | null>(null);
  const chosen = useRef<HTMLInputElement>(null);
  const shown = text(props.value);
  const take = async (file: File | undefined) => {
    if (!file) return;
    setFailed(null);
    try {
      props.onChange((await upload(file, file.name)).asset);
    } catch (error) {
      setFailed(sentence(error));
    }
  };
  return (
    <div
      className="picture-file"
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation(); // the page would read the picture's workflow
        void take(event.dataTransfer.files[0]);
      }}
    >
      {isAsset(shown) && <Picture path={thumbnailPath(shown, 128)} alt="The chosen picture" />}
      <Text {...props} />
      <button type="button" className="small" onClick={() => chosen.current?.click()}>
        Choose a file
      </button>
      <input
        ref={chosen}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => void take(event.target.files?.[0])}
      />
      <Alert>{failed}</Alert>
    </div>
  );
}

/** What has no control of its own is written as JSON. */
function JsonText(props: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const take = (entered: string) => {
    setTyped(entered);
    try {
      props.onChange(JSON.parse(entered) as Json);
    } catch {
      // on the way to JSON; what was there stays until it is one
    }
  };
  return (
    <textarea
      {...common(props)}
      rows={3}
      spellCheck={false}
      className="mono"
      value={typed ?? JSON.stringify(props.value ?? null)}
      onChange={(event) => take(event.target.value)}
      onBlur={() => setTyped(null)}
    />
  );
}

function isAsset(name: string): boolean {
  return /^[0-9a-f]{64}\.(png|jpg|webp)$/.test(name);
}

function text(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function emptied(entered: string, optional: boolean): Json {
  return entered === "" && optional ? null : entered;
}
