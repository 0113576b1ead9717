import { useEffect, useState } from "react";

import { type Form, type WorkflowDocument, sentence } from "../../server";
import * as api from "../../server/api";
import { keepEntered, readEntered } from "./entered";
import type { Entered } from "./values";

/** The form of a workflow: null until it is there. */
export function useForm(workflow: WorkflowDocument): { form: Form | null; failed: string | null } {
  const [form, setForm] = useState<Form | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    api.form(workflow, abort.signal).then(
      (answer) => {
        setForm(answer);
        setFailed(null);
      },
      (error: unknown) => !abort.signal.aborted && setFailed(sentence(error)),
    );
    return () => abort.abort();
  }, [workflow]);
  return { form, failed };
}

/** What was entered in the form of this name; kept in the browser, also over a reload. */
export function useEntered(name: string): [Entered, (next: Entered) => void] {
  const [entered, setEntered] = useState(() => readEntered(name));
  const put = (next: Entered) => {
    setEntered(next);
    keepEntered(name, next);
  };
  return [entered, put];
}
