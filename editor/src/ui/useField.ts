/** A text field that keeps what is typed to itself, and tells it when it is left. */

import { useEffect, useRef, useState, type ChangeEvent, type KeyboardEvent } from "react";

import { isTextField } from "./keys";

type Field = HTMLInputElement | HTMLTextAreaElement;

/**
 * Take what was entered. Where a text is told while it is typed, `typing` is the same each time: all of it
 * is one step.
 */
export type Commit = (text: string, typing?: string) => void;

interface Options {
  /** Enter leaves the field; in a long text it begins a new line. */
  readonly enter?: boolean;
  /** Tell it while it is typed too, so that a crash loses no thought. */
  readonly live?: boolean;
}

/** Milliseconds of typing after which a text is told. */
const LIVE = 1000;

let typings = 0;

/**
 * While one types, the browser's own undo works in the field; leaving it is one step of ours, however it is
 * left: Escape leaves it as well, with its text.
 */
export function useField(value: string, commit: Commit, options: Options = {}) {
  const typed = useTyped(value, commit, options.live);
  return {
    value: typed.value,
    onChange: (event: ChangeEvent<Field>) => typed.type(event.target.value),
    onBlur: typed.leave,
    onKeyDown: (event: KeyboardEvent<Field>) => typed.hear(event, options.enter !== false),
  };
}

/** The same for a field that is more than an `<input>`: what it shows, and what it tells. */
export function useTyped(value: string, commit: Commit, live = false) {
  const [typed, setTyped] = useState<string | null>(null);
  const pending = useRef<{ typed: string | null; commit: Commit }>({ typed, commit });
  pending.current = { typed: typed === value ? null : typed, commit };
  const typing = useRef<{ key: string; timer: ReturnType<typeof setTimeout> | undefined } | null>(null);
  const tell = () => {
    const { typed: last, commit: take } = pending.current;
    pending.current.typed = null;
    if (typing.current) clearTimeout(typing.current.timer);
    if (last !== null) take(last, typing.current?.key);
  };
  const leave = () => {
    tell();
    typing.current = null;
    setTyped(null);
  };
  // A field that goes away while one types in it has been left too.
  useEffect(() => tell, []);
  return {
    value: typed ?? value,
    type: (text: string) => {
      setTyped(text);
      if (!live) return;
      typing.current ??= { key: `typing ${++typings}`, timer: undefined };
      const now = typing.current;
      now.timer ??= setTimeout(() => {
        now.timer = undefined;
        tell();
      }, LIVE);
    },
    leave,
    /** Take a text that was chosen rather than typed. */
    put: (text: string) => {
      pending.current.typed = null;
      setTyped(null);
      if (text !== value) commit(text);
    },
    hear: (event: KeyboardEvent<Field>, enter = true) => {
      if (event.key !== "Enter" || !enter) return;
      if (!event.ctrlKey && !event.metaKey) leave();
    },
  };
}

/** Take what is being typed for entered, as leaving the field would; the field stays in use. */
export function leaveField() {
  const field = document.activeElement;
  if (!isTextField(field)) return;
  field.blur();
  field.focus({ preventScroll: true });
}

/** Escape leaves any text field, with its text. Dialogs have a use of their own for it. Returns how to stop. */
export function leaveOnEscape(): () => void {
  const onKeyDown = (event: globalThis.KeyboardEvent) => {
    const field = event.target as Element | null;
    if (event.key !== "Escape" || event.defaultPrevented || !isTextField(field)) return;
    if (field.closest("dialog, [role=dialog]")) return;
    // A browser would empty a field for searching.
    event.preventDefault();
    field.blur();
  };
  document.addEventListener("keydown", onKeyDown);
  return () => document.removeEventListener("keydown", onKeyDown);
}
