/** A file: its name, a look at it, and ways to choose another. */

import { useRef, useState } from "react";
import { createPortal } from "react-dom";

import { Dialog } from "../../ui/Dialog";
import { Picture } from "../../ui/Picture";
import { useHost } from "../../panels";
import { api, sentence, type Asset } from "../../server";
import type { FieldProps } from "./fieldProps";
import { useField } from "../../ui/useField";

/** Uploaded pictures are named by their content. */
const ASSET = /^[0-9a-f]{64}\.(png|jpg|webp)$/;

export function PathField(props: FieldProps) {
  const value = typeof props.value === "string" ? props.value : "";
  const field = useField(value, props.commit);
  const [choosing, setChoosing] = useState(false);
  return (
    <span className="path">
      {ASSET.test(value) && (
        <Picture path={api.thumbnailPath(value, 64)} alt="The uploaded picture" className="path-look" />
      )}
      <input
        id={props.id}
        {...field}
        type="text"
        className="nodrag"
        aria-label={props.label}
        aria-invalid={props.wrong || undefined}
        aria-describedby={props.describedBy}
        spellCheck={false}
        title={value}
      />
      <button
        type="button"
        className="icon nodrag"
        aria-label={`Choose or upload a picture for ${props.label}`}
        title="Choose or upload a picture"
        onClick={() => setChoosing(true)}
      >
        <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
          <path
            d="M2 4.5A1.5 1.5 0 0 1 3.5 3H6l1.5 1.5h5A1.5 1.5 0 0 1 14 6v5.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 2 11.5z"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.3"
          />
        </svg>
      </button>
      {choosing && (
        <ChoosePicture
          onChoose={(asset) => {
            props.commit(asset);
            setChoosing(false);
          }}
          onClose={() => setChoosing(false)}
        />
      )}
    </span>
  );
}

interface ChooseProps {
  onChoose(asset: string): void;
  onClose(): void;
}

function ChoosePicture({ onChoose, onClose }: ChooseProps) {
  const host = useHost();
  const file = useRef<HTMLInputElement>(null);
  const [assets, setAssets] = useState<readonly Asset[] | null>(null);
  const [asked, setAsked] = useState(false);
  if (!asked) {
    setAsked(true);
    api.assets().then(setAssets, () => setAssets([]));
  }
  const upload = (chosen: File | undefined) => {
    if (!chosen) return;
    api.upload(chosen, chosen.name).then(
      ({ asset }) => onChoose(asset),
      (error: unknown) => host.say(`not uploaded: ${sentence(error)}`),
    );
  };
  // Outside the node, whose clicks and drags are the canvas's.
  return createPortal(
    <Dialog title="Choose a picture" className="choose-picture" onClose={onClose}>
      <h2>Choose a picture</h2>
      <ul className="pictures" aria-label="Uploaded pictures">
        {assets?.map(({ asset, name }) => (
          <li key={asset}>
            <button type="button" onClick={() => onChoose(asset)} title={name}>
              <Picture path={api.thumbnailPath(asset, 128)} alt={name || asset.slice(0, 8)} />
            </button>
          </li>
        ))}
      </ul>
      {assets?.length === 0 && <p className="empty">No picture has been uploaded yet.</p>}
      <div className="buttons">
        <input
          ref={file}
          type="file"
          accept="image/png,image/jpeg,image/webp"
          hidden
          onChange={(event) => upload(event.target.files?.[0])}
        />
        <button type="button" className="primary" onClick={() => file.current?.click()}>
          Upload …
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>,
    document.body,
  );
}
