import { Component, type ReactNode } from "react";

import { sentence } from "../server";
import { putShownAside } from "../documents/aside";
import { download } from "../documents/downloading";

interface State {
  /** What was thrown while the page was being drawn. */
  error: unknown;
  broken: boolean;
}

/** What is shown where the page itself fails: a way on, with nothing lost. */
export class Trouble extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null, broken: false };

  static getDerivedStateFromError(error: unknown): State {
    return { error, broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="trouble" role="alert">
        <h1>The page has stopped</h1>
        <p>
          This is a fault of the page, not of your workflow. What you drew is kept in this browser, and
          what was queued still runs.
        </p>
        <pre>{sentence(this.state.error)}</pre>
        <div className="buttons">
          <button type="button" onClick={download}>
            Download the workflow
          </button>
          <button type="button" onClick={withoutIt} title="Where it stops again with this workflow">
            Reload without it
          </button>
          <button type="button" className="primary" onClick={() => location.reload()} autoFocus>
            Reload
          </button>
        </div>
      </main>
    );
  }
}

/** It stays in the browser, put aside. */
function withoutIt() {
  putShownAside();
  location.reload();
}
