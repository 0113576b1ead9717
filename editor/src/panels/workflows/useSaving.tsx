import { type ReactNode, useRef, useState } from "react";

import { readWorkflow, same } from "../../graph";
import { ServerError, type WorkflowDocument, sentence } from "../../server";
import * as api from "../../server/api";
import { useHost } from "../host";
import { Conflict } from "./Conflict";
import { SaveAs } from "./SaveAs";
import { loadLibrary } from "./library";
import { nameFor } from "./name";

type Question =
  | { sort: "name"; id: string; offered: string }
  | { sort: "conflict"; id: string; name: string; document: WorkflowDocument };

type Put = (id: string, name: string, document: WorkflowDocument, version: string | null) => Promise<void>;

/** Saving documents by their ids; `element` holds the dialogs and must be rendered. */
export function useSaving(): { save(id: string): Promise<void>; saveAs(id: string): void; element: ReactNode } {
  const host = useHost();
  const [question, setQuestion] = useState<Question | null>(null);
  const last = useRef(Promise.resolve());
  const put: Put = async (id, name, document, version) => {
    const entry = await stored(name, document, version);
    // The document that was sent, whichever is shown by now.
    host.saved(id, { name: entry.name, version: entry.version }, document);
    void loadLibrary().catch(() => undefined); // its panel says so itself
  };
  const saveAs = (id: string) => {
    const now = host.document(id);
    if (now) setQuestion({ sort: "name", id, offered: now.saved.name ?? nameFor(now.saved.title) });
  };
  const saveNow = async (id: string) => {
    const now = host.document(id);
    if (!now) return;
    const { workflow: document } = now;
    const { name, version, shipped } = now.saved;
    if (name === null || version === null || shipped) return saveAs(id);
    try {
      await put(id, name, document, version);
    } catch (error) {
      if (isConflict(error)) setQuestion({ sort: "conflict", id, name, document });
      else host.say(`not saved: ${sentence(error)}`);
    }
  };
  // One after the other: the second replaces what the first has saved.
  const save = (id: string) => (last.current = last.current.then(() => saveNow(id)));
  const close = () => setQuestion(null);
  const element = question && <QuestionDialog question={question} put={put} onSaveAs={saveAs} onClose={close} />;
  return { save, saveAs, element };
}

/** Save it. Where that is refused because it is there already, word for word, an answer was lost: it is saved. */
async function stored(name: string, document: WorkflowDocument, version: string | null): Promise<Stored> {
  try {
    return await api.saveWorkflow(name, document, version);
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 412) throw error;
    const there = await api.workflow(name).catch(() => null);
    if (there && !there.shipped && same(readWorkflow(there.workflow), readWorkflow(document))) return there;
    throw error;
  }
}

type Stored = Awaited<ReturnType<typeof api.saveWorkflow>>;

interface QuestionDialogProps {
  question: Question;
  put: Put;
  onSaveAs(id: string): void;
  onClose(): void;
}

function QuestionDialog({ question, put, onSaveAs, onClose }: QuestionDialogProps) {
  const host = useHost();
  const { id } = question;
  if (question.sort === "conflict") {
    const { name, document } = question;
    return (
      <Conflict
        name={name}
        onReplace={(version) => put(id, name, document, version)}
        onSaveAs={() => onSaveAs(id)}
        onClose={onClose}
      />
    );
  }
  const save = async (name: string, version: string | null) => {
    const now = host.document(id);
    if (now) await put(id, name, now.workflow, version);
  };
  return <SaveAs id={id} offered={question.offered} onSave={save} onClose={onClose} />;
}

/** It is another version by now, or gone, or there already. */
function isConflict(error: unknown): boolean {
  return error instanceof ServerError && (error.status === 412 || error.status === 404);
}
