/** A text field that keeps what is typed to itself, and tells it when it is left. */

import { useEffect, useRef, useState, type ChangeEvent, type KeyboardEvent } from "react";

type Field = HTMLInputElement | HTMLTextAreaElement;

interface Options {
  /** Enter leaves the field; in a long text it begins a new line. */
  readonly enter?: boolean;
}

/**
 * While one types, the browser's own undo works in the field; leaving it is one step of ours.
 * Escape takes back what was typed.
 */
export function useField(value: string, commit: (text: string) => void, options: Options = {}) {
  const typed = useTyped(value, commit);
  return {
    value: typed.value,
    onChange: (event: ChangeEvent<Field>) => typed.type(event.target.value),
    onBlur: typed.leave,
    onKeyDown: (event: KeyboardEvent<Field>) => typed.hear(event, options.enter !== false),
  };
}

/** The same for a field that is more than an `<input>`: what it shows, and what it tells. */
export function useTyped(value: string, commit: (text: string) => void) {
  const [typed, setTyped] = useState<string | null>(null);
  const pending = useRef<{ typed: string | null; commit: (text: string) => void }>({ typed, commit });
  pending.current = { typed: typed === value ? null : typed, commit };
  const forget = () => {
    pending.current.typed = null;
    setTyped(null);
  };
  const leave = () => {
    const { typed: last, commit: tell } = pending.current;
    if (last !== null) tell(last);
    forget();
  };
  // A field that goes away while one types in it has been left too.
  useEffect(
    () => () => {
      const { typed: last, commit: tell } = pending.current;
      if (last !== null) tell(last);
    },
    [],
  );
  return {
    value: typed ?? value,
    type: setTyped,
    leave,
    /** Take a text that was chosen rather than typed. */
    put: (text: string) => {
      forget();
      if (text !== value) commit(text);
    },
    hear: (event: KeyboardEvent<Field>, enter = true) => {
      if (event.key === "Escape") forget();
      else if (event.key === "Enter" && enter && !event.ctrlKey && !event.metaKey) leave();
    },
  };
}

/** Take what is being typed for entered, as leaving the field would; the field stays in use. */
export function leaveField() {
  const field = document.activeElement;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return;
  field.blur();
  field.focus({ preventScroll: true });
}
