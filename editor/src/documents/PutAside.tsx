import { useState } from "react";
import { useStore } from "zustand";

import type { Aside } from "../graph";
import { Confirm } from "../ui/Confirm";
import { Dialog } from "../ui/Dialog";
import { aside, downloadAside, dropAside } from "./aside";

/** Speaks of the documents that are kept in the browser but could not be opened; nothing is done to them unasked. */
export function PutAside() {
  const { documents } = useStore(aside);
  const [open, setOpen] = useState(false);
  const [hidden, setHidden] = useState<readonly Aside[]>([]);
  if (documents.length === 0 || documents === hidden) return null;
  const [only] = documents;
  return (
    <div className="banner" role="status">
      <span>
        {documents.length === 1
          ? `“${only?.title}” is kept in this browser, but could not be opened: ${only?.reason}.`
          : `${documents.length} workflows are kept in this browser, but could not be opened.`}
      </span>
      <button type="button" onClick={() => setOpen(true)}>
        Show
      </button>
      <button type="button" onClick={() => setHidden(documents)}>
        Later
      </button>
      {open && <AsideDialog documents={documents} onClose={() => setOpen(false)} />}
    </div>
  );
}

function AsideDialog({ documents, onClose }: { readonly documents: readonly Aside[]; onClose(): void }) {
  const [dropping, setDropping] = useState<Aside | null>(null);
  return (
    <Dialog title="Put aside" onClose={onClose}>
      <h2>Put aside</h2>
      <p>They are kept in this browser as they are, until you delete them here.</p>
      <ul className="entries" aria-label="Put aside">
        {documents.map((one) => (
          <li className="entry" key={`${one.tab} ${one.id}`}>
            <span>
              <b>{one.title}</b>: {one.reason}
            </span>
            <button type="button" aria-label={`Download ${one.title}`} onClick={() => downloadAside(one)}>
              Download
            </button>
            <button type="button" aria-label={`Delete ${one.title}`} onClick={() => setDropping(one)}>
              Delete
            </button>
          </li>
        ))}
      </ul>
      <div className="buttons">
        <button type="button" className="primary" autoFocus onClick={onClose}>
          Close
        </button>
      </div>
      {dropping && (
        <Confirm
          title={`Delete ${dropping.title}?`}
          text="It is kept nowhere else. Download it first if you may want it."
          yes="Delete"
          onYes={() => Promise.resolve(dropAside(dropping))}
          onClose={() => setDropping(null)}
        />
      )}
    </Dialog>
  );
}
