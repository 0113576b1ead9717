import { useId, useRef, useState, type InputHTMLAttributes, type KeyboardEvent } from "react";

import { fitting, stepped, type Offer } from "./offer";
import { Offers } from "./Offers";

interface ComboboxProps {
  /** What names and describes the input. */
  readonly attributes: InputHTMLAttributes<HTMLInputElement>;
  readonly value: string;
  readonly offers: readonly Offer[];
  /** Names that are here and cannot be used; their hints say why. */
  readonly unfit?: readonly Offer[];
  /** The list is opened: what is offered may be read anew. */
  onOpen?(): void;
  onType(text: string): void;
  onChoose(name: string): void;
  /** A key that the list has no use for. */
  onKey?(event: KeyboardEvent<HTMLInputElement>): void;
  onLeave?(): void;
}

const NONE: readonly Offer[] = [];

/** A text for which names are offered: it may be one of them, or any other. */
export function Combobox(props: ComboboxProps) {
  const { attributes, value, offers, unfit = NONE, onType, onChoose, onKey, onLeave } = props;
  const list = useId();
  const input = useRef<HTMLInputElement>(null);
  const [open, setOpen] = useState<"all" | "typed" | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const shown = open === "typed" ? fitting(offers, value) : offers;
  const isOpen = open !== null && shown.length + unfit.length > 0;
  const show = (mode: typeof open) => {
    if (mode !== null && open === null) props.onOpen?.();
    setOpen(mode);
    setAt(null);
  };
  const choose = ({ name }: Offer) => {
    onChoose(name);
    show(null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = at === null ? undefined : shown[at];
    if (by !== undefined && !isOpen) show("all");
    else if (by !== undefined) setAt(stepped(at, by, shown.length));
    else if (event.key === "Enter" && isOpen && chosen) choose(chosen);
    else if (event.key === "Escape" && isOpen) show(null);
    else {
      if (event.key === "Enter") show(null);
      onKey?.(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span className="combobox">
      <input
        {...attributes}
        ref={input}
        type="text"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={isOpen ? list : undefined}
        aria-activedescendant={isOpen && at !== null ? `${list}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={value}
        onChange={(event) => {
          onType(event.target.value);
          show("typed");
        }}
        onClick={() => open ?? show("all")}
        onKeyDown={onKeyDown}
        onBlur={() => {
          show(null);
          onLeave?.();
        }}
      />
      <button
        type="button"
        className="combobox-open nodrag"
        tabIndex={-1}
        aria-label={`Names for ${attributes["aria-label"] ?? "this field"}`}
        // The input keeps the focus, and with it the list.
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => {
          input.current?.focus();
          show(isOpen ? null : "all");
        }}
      >
        <svg viewBox="0 0 10 10" width="8" height="8" aria-hidden="true">
          <path d="M1.5 3l3.5 4 3.5-4" fill="none" stroke="currentColor" strokeWidth="1.6" />
        </svg>
      </button>
      {isOpen && (
        <Offers
          id={list}
          label={attributes["aria-label"] ?? "Names"}
          anchor={input}
          offers={shown}
          unfit={open === "typed" ? fitting(unfit, value) : unfit}
          at={at}
          value={value}
          onPoint={setAt}
          onChoose={choose}
          onClose={() => show(null)}
        />
      )}
    </span>
  );
}
