/** Sentences for the user that need no answer; each goes away by itself. */

import { createStore } from "zustand";

/** Something that can be done about what is said, such as taking it back. */
export interface NoteAction {
  readonly label: string;
  run(): void;
}

export interface Note {
  readonly id: number;
  readonly message: string;
  readonly action: NoteAction | null;
}

export const notes = createStore<{ readonly all: readonly Note[] }>()(() => ({ all: [] }));

/** Milliseconds that a note stays: about what reading it takes. */
const stay = (message: string) => 3000 + 60 * message.length;

/** Milliseconds more for what can be acted on. */
const DECIDING = 6000;

let last = 0;

export function say(message: string, action: NoteAction | null = null) {
  const note = { id: ++last, message, action };
  notes.setState(({ all }) => ({
    all: [...all.filter((old) => old.message !== message), note].slice(-4),
  }));
  setTimeout(() => dismiss(note.id), stay(message) + (action ? DECIDING : 0));
}

export function dismiss(id: number) {
  notes.setState(({ all }) => ({ all: all.filter((note) => note.id !== id) }));
}
