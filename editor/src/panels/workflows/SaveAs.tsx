import { type FormEvent, useEffect, useState } from "react";
import { useStore } from "zustand";

import { Alert } from "../../ui/Alert";
import { Dialog } from "../../ui/Dialog";
import { useAction } from "../../ui/useAction";
import { library, loadLibrary } from "./library";
import { freeName } from "./name";

interface SaveAsProps {
  offered: string;
  /** Save under this name; over a version that is there, or, where it is null, only as a new one. */
  onSave(name: string, version: string | null): Promise<void>;
  onClose(): void;
}

/** Ask for the name to save under. One that is taken is replaced only when that is said. */
export function SaveAs({ offered, onSave, onClose }: SaveAsProps) {
  const { entries, loaded } = useStore(library);
  const [typed, setTyped] = useState<string | null>(null);
  const { busy, failed, act } = useAction();
  useEffect(() => {
    void loadLibrary().catch(() => undefined); // saving tells if there is something in the way
  }, []);
  const name = typed ?? freeName(offered, new Set(loaded ? entries.map((entry) => entry.name) : []));
  const there = entries.find((entry) => entry.name === name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void act(() => onSave(name, there?.version ?? null)).then((done) => done && onClose());
  };
  return (
    <Dialog title="Save the workflow" onClose={onClose}>
      <form onSubmit={submit}>
        <h2>Save the workflow</h2>
        <label className="field">
          <span className="label">Name</span>
          <input
            value={name}
            onChange={(event) => setTyped(event.target.value)}
            onFocus={(event) => event.target.select()}
            autoFocus
            spellCheck={false}
            aria-describedby="save-as-hint"
          />
        </label>
        <p id="save-as-hint" className="quiet">
          {hint(there)}
        </p>
        <Alert>{failed}</Alert>
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy || !name || there?.shipped}>
            {there ? "Replace" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function hint(there: { shipped: boolean } | undefined): string {
  if (!there) return "Small letters, digits and hyphens.";
  if (there.shipped) return "That one comes with the program and stays as it is: choose another name.";
  return "There is a workflow of this name; it will be replaced.";
}
