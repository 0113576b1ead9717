import { type ReactNode, useState } from "react";

import { ServerError, type WorkflowDocument, sentence } from "../../server";
import * as api from "../../server/api";
import { useHost } from "../host";
import { Conflict } from "./Conflict";
import { SaveAs } from "./SaveAs";
import { loadLibrary } from "./library";
import { nameFor } from "./name";

/** The document that is to be saved, as far as saving needs to know it. */
export interface Saved {
  title: string;
  /** What the server keeps it as; null: it was never saved. */
  name: string | null;
  version: string | null;
  shipped: boolean;
}

type Question =
  | { sort: "name"; offered: string }
  | { sort: "conflict"; name: string; document: WorkflowDocument };

/** Saving the open document; `element` holds the dialogs and must be rendered. */
export function useSaving(current: Saved): {
  save(): Promise<void>;
  saveAs(): void;
  element: ReactNode;
} {
  const host = useHost();
  const [question, setQuestion] = useState<Question | null>(null);
  const put = async (name: string, document: WorkflowDocument, version: string | null) => {
    const entry = await api.saveWorkflow(name, document, version);
    host.saved({ name, version: entry.version }, document);
    void loadLibrary().catch(() => undefined); // its panel says so itself
  };
  const saveAs = () =>
    setQuestion({ sort: "name", offered: current.name ?? nameFor(current.title) });
  const save = async () => {
    const { name, version, shipped } = current;
    if (name === null || version === null || shipped) return saveAs();
    const document = host.workflow();
    try {
      await put(name, document, version);
    } catch (error) {
      if (isConflict(error)) setQuestion({ sort: "conflict", name, document });
      else host.say(`not saved: ${sentence(error)}`);
    }
  };
  const close = () => setQuestion(null);
  const element = question && (
    <QuestionDialog question={question} put={put} onSaveAs={saveAs} onClose={close} />
  );
  return { save, saveAs, element };
}

interface QuestionDialogProps {
  question: Question;
  put(name: string, document: WorkflowDocument, version: string | null): Promise<void>;
  onSaveAs(): void;
  onClose(): void;
}

function QuestionDialog({ question, put, onSaveAs, onClose }: QuestionDialogProps) {
  const host = useHost();
  if (question.sort === "conflict") {
    const { name, document } = question;
    return <Conflict {...{ name, document, put, onSaveAs, onClose }} />;
  }
  return (
    <SaveAs
      offered={question.offered}
      onSave={(name, version) => put(name, host.workflow(), version)}
      onClose={onClose}
    />
  );
}

/** It is another version by now, or gone, or there already. */
function isConflict(error: unknown): boolean {
  return error instanceof ServerError && (error.status === 412 || error.status === 404);
}
