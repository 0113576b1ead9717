/** Sentences for the user that need no answer; each goes away by itself. */

import { createStore } from "zustand";

export interface Note {
  readonly id: number;
  readonly message: string;
}

export const notes = createStore<{ readonly all: readonly Note[] }>()(() => ({ all: [] }));

/** Milliseconds that a note stays: about what reading it takes. */
const stay = (message: string) => 3000 + 60 * message.length;

let last = 0;

export function say(message: string) {
  const note = { id: ++last, message };
  notes.setState(({ all }) => ({
    all: [...all.filter((old) => old.message !== message), note].slice(-4),
  }));
  setTimeout(() => dismiss(note.id), stay(message));
}

export function dismiss(id: number) {
  notes.setState(({ all }) => ({ all: all.filter((note) => note.id !== id) }));
}
