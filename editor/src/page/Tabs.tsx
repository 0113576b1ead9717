import { useEffect, useLayoutEffect, useRef, useState } from "react";

import {
  activate,
  close,
  edit,
  editor,
  isDirty,
  reopen,
  setTitle,
  titleOf,
  useEditor,
  type OpenDocument,
} from "../graph";
import { focusCanvas } from "../canvas/viewport";
import { Dialog } from "../ui/Dialog";
import { isTextField } from "../ui/keys";
import { ask } from "../ui/question";
import { say } from "../ui/say";

/** The open documents; a dot marks what is not saved. */
export function Tabs() {
  const documents = useEditor((state) => state.documents);
  const active = useEditor((state) => state.active);
  const [closing, setClosing] = useState<OpenDocument | null>(null);
  useKeysOfOpened(documents, active);
  const leave = (document: OpenDocument) => (isDirty(document) ? setClosing(document) : closeTab(document));
  return (
    <nav className="tabs" aria-label="Open workflows">
      {documents.map((document) => (
        <Tab key={document.id} document={document} active={document.id === active} onClose={() => leave(document)} />
      ))}
      {closing && (
        <Dialog title="Close without saving?" onClose={() => setClosing(null)}>
          <h2>Close without saving?</h2>
          <p>“{titleOf(closing)}” has changes that were not saved. Until this page is left, ⋯ opens it again.</p>
          <div className="buttons">
            <button type="button" autoFocus onClick={() => setClosing(null)}>
              Keep it open
            </button>
            <button
              type="button"
              onClick={() => {
                closeTab(closing);
                setClosing(null);
              }}
            >
              Close
            </button>
          </div>
        </Dialog>
      )}
    </nav>
  );
}

/** The canvas of a document that was just opened has the keys, unless somebody types or is asked something. */
function useKeysOfOpened(documents: readonly OpenDocument[], active: string) {
  const before = useRef<readonly OpenDocument[]>([]);
  useEffect(() => {
    // Nothing was open before: the page has just been, and a keyboard begins at its top.
    const isNew = before.current.length > 0 && !before.current.some(({ id }) => id === active);
    before.current = documents;
    if (isNew && !isTextField(document.activeElement)) focusCanvas();
  }, [documents, active]);
}

/** Close a tab; undo is at hand. */
function closeTab(document: OpenDocument) {
  close(document.id);
  if (!editor.getState().closed.some(({ id }) => id === document.id)) return;
  say(`“${titleOf(document)}” is closed.`, { label: "Open it again", run: () => reopen(document.id) });
}

interface TabProps {
  readonly document: OpenDocument;
  readonly active: boolean;
  onClose(): void;
}

function Tab({ document, active, onClose }: TabProps) {
  const title = titleOf(document);
  const dirty = isDirty(document);
  const tab = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (active) tab.current?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [active, title]);
  const rename = async () => {
    const text = await ask({ title: "Title", label: "Title of the workflow", value: title });
    if (text) edit("change the title", (workflow) => setTitle(workflow, text));
  };
  return (
    <span ref={tab} className={`tab ${active ? "active" : ""}`}>
      <button
        type="button"
        className="tab-title"
        aria-current={active ? "page" : undefined}
        title={`${title}${active ? ". Double click to change the title" : ""}`}
        onClick={() => activate(document.id)}
        onDoubleClick={() => void rename()}
      >
        <span className="tab-text">{title}</span>
        {dirty && (
          <span className="dirty" title="Not saved">
            <span className="hidden">, not saved</span>
          </span>
        )}
      </button>
      <button type="button" className="icon" aria-label={`Close ${title}`} onClick={onClose}>
        ×
      </button>
    </span>
  );
}
