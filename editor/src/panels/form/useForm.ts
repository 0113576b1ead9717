import { useEffect, useState } from "react";

import { type Form, type WorkflowDocument, sentence } from "../../server";
import * as api from "../../server/api";
import { isAsked, isPress, isTextField } from "../../ui/keys";
import { say } from "../../ui/say";
import { keepEntered, readEntered, type FormOf } from "./entered";
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

interface EnteredHistory {
  readonly now: Entered;
  readonly past: readonly Entered[];
  readonly future: readonly Entered[];
  /** The field that the last step was made in, while one is in it. */
  readonly field: string | null;
}

export interface EnteredValues {
  readonly entered: Entered;
  /** Take other values; those of one field in a row are one step. */
  put(next: Entered, field?: string): void;
  /** The field is left: what comes next is another step. */
  leave(): void;
  undo(): void;
  redo(): void;
}

/** What was entered in the form of a document, with undo; kept in the browser, also over a reload. */
export function useEntered(form: FormOf): EnteredValues {
  const [history, setHistory] = useState<EnteredHistory>(() => ({
    now: readEntered(form),
    past: [],
    future: [],
    field: null,
  }));
  const take = (next: EnteredHistory) => {
    setHistory(next);
    if (next.now !== history.now && !keepEntered(form, next.now)) {
      say("The browser has no room to keep what you enter here: it ends with this page.");
    }
  };
  const { now, past, future, field: last } = history;
  return {
    entered: now,
    put: (next, field) => {
      const isSameStep = field !== undefined && field === last;
      take({ now: next, past: isSameStep ? past : [...past, now], future: [], field: field ?? null });
    },
    leave: () => setHistory((before) => (before.field === null ? before : { ...before, field: null })),
    undo: () => {
      const before = past.at(-1);
      if (before) take({ now: before, past: past.slice(0, -1), future: [...future, now], field: null });
    },
    redo: () => {
      const after = future.at(-1);
      if (after) take({ now: after, past: [...past, now], future: future.slice(0, -1), field: null });
    },
  };
}

/** Undo and redo by keyboard; in a text field they are the browser's. */
export function useUndoKeys({ undo, redo }: EnteredValues) {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const isRedo = isPress(event, "Mod+Shift+Z") || isPress(event, "Mod+Y");
      if (event.defaultPrevented || isTextField(event.target) || isAsked()) return;
      if (!isRedo && !isPress(event, "Mod+Z")) return;
      event.preventDefault();
      if (isRedo) redo();
      else undo();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  });
}
