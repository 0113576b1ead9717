import * as api from "../../server/api";
import { Alert } from "../../ui/Alert";
import { Dialog } from "../../ui/Dialog";
import { useHost } from "../host";
import { useAction } from "../../ui/useAction";
import { openStored } from "./library";

interface ConflictProps {
  name: string;
  /** Save over this version; null: it is gone, so it is made anew. */
  onReplace(version: string | null): Promise<void>;
  onSaveAs(): void;
  onClose(): void;
}

/** Somebody else, or another tab, saved under this name since it was opened here. */
export function Conflict({ name, onReplace, onSaveAs, onClose }: ConflictProps) {
  const host = useHost();
  const { busy, failed, act } = useAction();
  const then = (action: () => Promise<unknown>) => () =>
    void act(action).then((done) => done && onClose());
  const showTheirs = then(async () => host.open(...(await openStored(name))));
  const replace = then(async () => onReplace(await versionOf(name)));
  return (
    <Dialog title={`${name} was changed meanwhile`} onClose={onClose}>
      <h2>{name} was changed meanwhile</h2>
      <p>
        Another tab or person saved, or deleted, <b>{name}</b> after it was opened here. Nothing has
        been overwritten, and your own graph is still open.
      </p>
      <Alert>{failed}</Alert>
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" disabled={busy} onClick={showTheirs}>
          Show the other in a tab
        </button>
        <button type="button" disabled={busy} onClick={replace}>
          Replace it by mine
        </button>
        <button type="button" className="primary" onClick={onSaveAs} autoFocus>
          Save mine under another name
        </button>
      </div>
    </Dialog>
  );
}

/** What is to be replaced now; null where it is gone, so that it is made anew. */
async function versionOf(name: string): Promise<string | null> {
  const entries = await api.workflows();
  return entries.find((entry) => entry.name === name)?.version ?? null;
}
