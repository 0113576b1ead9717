import type { FormEvent } from "react";
import { useStore } from "zustand";

import { Alert } from "./Alert";
import { Dialog } from "./Dialog";
import { useLeftText } from "./leftTexts";
import { asked, type Question } from "./question";

/** The question that waits for an answer. */
export function AskDialog() {
  const { question, answer } = useStore(asked);
  return question && <OpenQuestion key={question.title} question={question} answer={answer} />;
}

interface OpenQuestionProps {
  readonly question: Question;
  answer(text: string | null): void;
}

function OpenQuestion({ question, answer }: OpenQuestionProps) {
  const [left, setTyped, forget] = useLeftText([question.title, question.label, question.value].join("\n"));
  const typed = left ?? question.value;
  const refused = typed.trim() === "" ? undefined : question.refuse?.(typed.trim());
  const isAnswer = refused === undefined && (question.optional === true || typed.trim() !== "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isAnswer) return;
    forget();
    answer(typed.trim());
  };
  return (
    <Dialog title={question.title} onClose={() => answer(null)}>
      <form onSubmit={submit}>
        <h2>{question.title}</h2>
        <label className="field">
          <span className="label">{question.label}</span>
          <input
            type="text"
            value={typed}
            autoFocus
            onFocus={(event) => event.target.select()}
            onChange={(event) => setTyped(event.target.value)}
            aria-invalid={refused !== undefined || undefined}
          />
        </label>
        <Alert>{refused}</Alert>
        <div className="buttons">
          <button type="button" onClick={() => answer(null)}>
            Cancel
          </button>
          <button type="submit" className="primary" disabled={!isAnswer}>
            OK
          </button>
        </div>
      </form>
    </Dialog>
  );
}
