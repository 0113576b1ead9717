import { Alert } from "./Alert";
import { Dialog } from "./Dialog";
import { useAction } from "./useAction";

interface ConfirmProps {
  title: string;
  text: string;
  yes: string;
  onYes(): Promise<unknown>;
  onClose(): void;
}

/** Ask before something is done that cannot be undone; stays open, and says why, where it fails. */
export function Confirm({ title, text, yes, onYes, onClose }: ConfirmProps) {
  const { busy, failed, act } = useAction();
  return (
    <Dialog title={title} onClose={onClose}>
      <h2>{title}</h2>
      <p>{text}</p>
      <Alert>{failed}</Alert>
      <div className="buttons">
        <button type="button" onClick={onClose} autoFocus>
          Cancel
        </button>
        <button
          type="button"
          className="primary"
          disabled={busy}
          onClick={() => void act(onYes).then((done) => done && onClose())}
        >
          {yes}
        </button>
      </div>
    </Dialog>
  );
}
