/** A question to the user whose answer is a word, as a promise. */

import { createStore } from "zustand";

export interface Question {
  readonly title: string;
  readonly label: string;
  readonly value: string;
  /** Nothing is an answer too. */
  readonly optional?: boolean;
  /** Why a text is no answer, as a sentence; undefined where it is one. */
  refuse?(text: string): string | undefined;
}

interface Asked {
  readonly question: Question | null;
  /** null: never mind. */
  answer(text: string | null): void;
}

export const asked = createStore<Asked>()(() => ({ question: null, answer: () => undefined }));

export function ask(question: Question): Promise<string | null> {
  return new Promise((resolve) => {
    asked.getState().answer(null);
    asked.setState({
      question,
      answer: (text) => {
        asked.setState({ question: null, answer: () => undefined });
        resolve(text);
      },
    });
  });
}
