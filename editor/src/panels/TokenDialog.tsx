import { type FormEvent, useState } from "react";
import { useStore } from "zustand";

import { giveToken, tokens } from "../server/token";
import { Alert } from "../ui/Alert";
import { Dialog } from "../ui/Dialog";

/** Asks for the server's token when the server wants one. */
export function TokenDialog() {
  const { wanted, token } = useStore(tokens);
  const [typed, setTyped] = useState("");
  if (!wanted) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    giveToken(typed.trim());
    setTyped("");
  };
  return (
    <Dialog title="This server asks for a token" onClose={() => undefined}>
      <form onSubmit={submit}>
        <h2>This server asks for a token</h2>
        <p>
          Whoever started it was shown the token, or gave it in a file. It is kept in this tab only,
          until the tab is closed.
        </p>
        <Alert>{token !== null && "The server did not accept that one."}</Alert>
        <label className="field">
          <span className="label">Token</span>
          <input
            type="password"
            autoComplete="off"
            autoFocus
            required
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <div className="buttons">
          <button type="submit" className="primary" disabled={!typed.trim()}>
            Use it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
