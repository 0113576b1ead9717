import { type FormEvent, useState } from "react";

import {
  type Json,
  type Problem,
  ServerError,
  type WorkflowDocument,
  run,
  sentence,
} from "../../server";
import { Alert } from "../../ui/Alert";
import type { FormOf } from "./entered";
import { Field } from "./Field";
import { fieldsOf } from "./fields";
import { Results } from "./Results";
import { useEntered, useForm, useUndoKeys } from "./useForm";
import { changed, sorted, valueOf } from "./values";

interface FormPanelProps {
  workflow: WorkflowDocument;
  title: string;
  /** The document that what is entered is kept for. */
  keep: FormOf;
  onShowGraph(): void;
  /** The job that the graph was last run as. */
  job?: string | null;
  /** A job was queued from here, with these params. */
  onRun?(job: string, params: Readonly<Record<string, Json>>): void;
}

/** A workflow without its graph: what can be set in it, a button, and what comes out. */
export function FormPanel({ workflow, title, keep, job: last = null, onShowGraph, onRun }: FormPanelProps) {
  const { form, failed } = useForm(workflow);
  const values = useEntered(keep);
  const { entered } = values;
  useUndoKeys(values);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [mine, setJob] = useState<string | null>(null);
  const fields = form ? fieldsOf(form.schema) : [];
  const { byField, rest } = sorted(problems, workflow);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setProblems([]);
    try {
      const params = changed(fields, entered);
      const started = await run({ workflow, title: form?.title || title, params });
      setJob(started.id);
      onRun?.(started.id, params);
    } catch (error) {
      setProblems(problemsOf(error));
    }
  };
  return (
    <div className="form-view">
      <form className="form" onSubmit={(event) => void submit(event)} onBlur={values.leave} noValidate>
        <header>
          <h2>{form?.title || title}</h2>
          <button type="button" onClick={onShowGraph}>
            Show the graph
          </button>
        </header>
        <Alert>{failed}</Alert>
        {form && !fields.length && <p className="empty">Nothing can be set in this workflow.</p>}
        {fields.map((field) => (
          <Field
            key={field.name}
            field={field}
            value={valueOf(field, entered)}
            problems={byField[field.name] ?? []}
            onChange={(value: Json) => values.put({ ...entered, [field.name]: value }, field.name)}
          />
        ))}
        <Rest problems={rest} />
        <footer className="buttons">
          <button type="button" onClick={() => values.put({})} disabled={!Object.keys(entered).length}>
            As it was
          </button>
          <button type="submit" className="primary" disabled={!form}>
            Run
          </button>
        </footer>
      </form>
      <Results job={mine ?? last} />
    </div>
  );
}

function Rest({ problems }: { problems: readonly Problem[] }) {
  if (!problems.length) return null;
  return (
    <ul role="alert" className="failures">
      {problems.map(({ address, message }) => (
        <li key={`${address} ${message}`}>{address ? `${address}: ${message}` : message}</li>
      ))}
    </ul>
  );
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ServerError && error.problems.length) return error.problems;
  return [{ address: "", message: sentence(error) }];
}
