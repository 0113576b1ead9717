import { useLayoutEffect, useRef, useState, type KeyboardEvent } from "react";
import { useStore } from "zustand";

import { useLeftText } from "../ui/leftTexts";
import { closePalette, palette, type PaletteRequest } from "../ui/paletteRequest";
import { Option } from "./Option";
import { choose, type Choice } from "./choice";
import { headingAt, keyOf, useChoices } from "./choices";

/** The palette, while it is asked for. */
export function Palette() {
  const request = useStore(palette, (state) => state.request);
  return request && <OpenPalette key={`${request.x} ${request.y}`} request={request} />;
}

/** The size it is given in the style sheet, to keep it on the window. */
const [WIDTH, HEIGHT] = [320, 400];

function OpenPalette({ request }: { readonly request: PaletteRequest }) {
  // What was sought last is offered again, chosen, so that typing replaces it.
  const [left, setTyped, forget] = useLeftText(request.from ? "" : "palette");
  const typed = left ?? "";
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.select(), []);
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const choices = useChoices(request, typed);
  const chosen = Math.min(at, choices.length - 1);
  const finish = (choice: Choice | undefined) => {
    if (!choice) return;
    forget();
    closePalette();
    choose(request, choice);
  };
  const go = (to: number) => {
    const next = (to + choices.length) % Math.max(choices.length, 1);
    setAt(next);
    list.current?.querySelector(`#palette-${next}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act({ go, at: chosen, finish: () => finish(choices[chosen]) });
  };
  return (
    <div className="palette-veil" onPointerDown={(event) => event.target === event.currentTarget && closePalette()}>
      <div className="palette" role="dialog" aria-label="Add a node" style={placeOn(request)}>
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label="Find a node"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={choices.length ? `palette-${chosen}` : undefined}
          placeholder={request.from ? "What shall the wire go on with?" : "Find a node"}
          autoFocus
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
          onBlur={(event) => {
            if (!event.relatedTarget) event.target.focus();
          }}
        />
        <ul id="palette-list" role="listbox" aria-label="Nodes" ref={list}>
          {choices.map((choice, index) => (
            <Option
              key={keyOf(choice)}
              id={`palette-${index}`}
              choice={choice}
              heading={headingAt(choices, index, typed)}
              selected={index === chosen}
              onPoint={() => setAt(index)}
              onChoose={() => finish(choice)}
            />
          ))}
        </ul>
        {choices.length === 0 && (
          <p className="empty">
            {request.from ? "Nothing that fits is called that." : "No node is called that."}
          </p>
        )}
      </div>
    </div>
  );
}

interface Reach {
  readonly at: number;
  go(to: number): void;
  finish(): void;
}

const KEYS: Readonly<Record<string, (reach: Reach) => void>> = {
  ArrowDown: ({ go, at }) => go(at + 1),
  ArrowUp: ({ go, at }) => go(at - 1),
  Tab: ({ go, at }) => go(at + 1),
  Enter: ({ finish }) => finish(),
  Escape: closePalette,
};

function placeOn({ x, y }: PaletteRequest) {
  return {
    left: Math.max(8, Math.min(x, window.innerWidth - WIDTH - 8)),
    top: Math.max(8, Math.min(y, window.innerHeight - HEIGHT - 8)),
  };
}
