import { type FormEvent, useEffect } from "react";
import { useStore } from "zustand";

import { Alert } from "../../ui/Alert";
import { Dialog } from "../../ui/Dialog";
import { useAction } from "../../ui/useAction";
import { useLeftText } from "../../ui/leftTexts";
import { library, loadLibrary } from "./library";
import { freeName, namedBy, whyNoName } from "./name";

interface SaveAsProps {
  /** The document that is to be saved. */
  id: string;
  offered: string;
  /** Save under this name; over a version that is there, or, where it is null, only as a new one. */
  onSave(name: string, version: string | null): Promise<void>;
  onClose(): void;
}

/** Ask for the name to save under. One that is taken is replaced only when that is said. */
export function SaveAs({ id, offered, onSave, onClose }: SaveAsProps) {
  const { entries, loaded } = useStore(library);
  const [typed, setTyped, forget] = useLeftText(`save ${id}`);
  const { busy, failed, act } = useAction();
  const load = () => void loadLibrary().catch(() => undefined); // saving tells if there is something in the way
  useEffect(load, []);
  const text = typed ?? freeName(offered, new Set(loaded ? entries.map((entry) => entry.name) : []));
  const name = namedBy(text);
  const there = entries.find((entry) => entry.name === name);
  const wrong = name === "" ? undefined : whyNoName(name);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (name === "" || wrong || there?.shipped) return;
    const done = await act(() => onSave(name, there?.version ?? null));
    if (done) {
      forget();
      onClose();
    } else load(); // somebody may have taken the name meanwhile: then it can be replaced
  };
  return (
    <Dialog title="Save the workflow" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>Save the workflow</h2>
        <label className="field">
          <span className="label">Name</span>
          <input
            value={text}
            onChange={(event) => setTyped(event.target.value)}
            onFocus={(event) => event.target.select()}
            autoFocus
            spellCheck={false}
            aria-invalid={wrong !== undefined || undefined}
            aria-describedby="save-as-hint"
          />
        </label>
        <p id="save-as-hint" className={wrong ? "bad" : "quiet"}>
          {wrong ? `This cannot be a name: it ${wrong}.` : hint(there)}
        </p>
        <Alert>{failed}</Alert>
        <div className="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={busy || !name || wrong !== undefined || there?.shipped}>
            {there ? "Replace" : "Save"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function hint(there: { shipped: boolean } | undefined): string {
  if (!there) return "Any name, in any script.";
  if (there.shipped) return "That one comes with the program and stays as it is: choose another name.";
  return "There is a workflow of this name; it will be replaced.";
}
