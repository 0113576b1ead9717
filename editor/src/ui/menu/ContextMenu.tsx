import { useLayoutEffect, useRef, type KeyboardEvent } from "react";
import { useStore } from "zustand";

import { spelledKeys } from "../keys";
import { closeMenu, menus } from "./menu";

/** The context menu, while it is open; arrow keys go through it. */
export function ContextMenu() {
  const { opened } = useStore(menus);
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = list.current;
    if (!menu) return;
    const { width, height } = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(4, Math.min(opened?.x ?? 0, window.innerWidth - width - 4))}px`;
    menu.style.top = `${Math.max(4, Math.min(opened?.y ?? 0, window.innerHeight - height - 4))}px`;
    menu.querySelector("button")?.focus();
  }, [opened]);
  if (!opened) return null;
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") closeMenu();
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
  };
  return (
    <div className="menu-veil" onPointerDown={(event) => event.target === event.currentTarget && closeMenu()}>
      <div className="menu" role="menu" ref={list} onKeyDown={onKeyDown}>
        {opened.menu.map((group, place) => (
          <div role="group" key={place}>
            {group.map(({ label, keys, hint, run }) => (
              <button
                type="button"
                role="menuitem"
                key={label}
                onClick={() => {
                  closeMenu();
                  run();
                }}
              >
                {label}
                {keys && <kbd>{spelledKeys(keys)}</kbd>}
                {hint && <span className="menu-hint">{hint}</span>}
              </button>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}
