import type { KeyboardEvent } from "react";
import { useStore } from "zustand";

import { Dialog } from "../ui/Dialog";
import { Picture } from "../ui/Picture";
import { api } from "../server";
import { look, looking, stopLooking } from "./looking";

/** A node's picture in full size; the arrow keys go through its items. */
export function LookDialog() {
  const { node, pictures, at } = useStore(looking);
  const asset = at === null ? undefined : pictures[at];
  if (at === null || asset === undefined) return null;
  const go = (to: number) => to >= 0 && to < pictures.length && look(node, pictures, to);
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "ArrowLeft") go(at - 1);
    if (key === "ArrowRight") go(at + 1);
  };
  const title = pictures.length > 1 ? `${node}, item ${at + 1} of ${pictures.length}` : node;
  return (
    <Dialog title={title} className="look" onClose={stopLooking}>
      <div onKeyDown={onKeyDown}>
        <Picture path={api.assetPath(asset)} alt={title} />
        <div className="look-foot">
          <span>{title}</span>
          <span className="buttons">
            <button type="button" disabled={at === 0} onClick={() => go(at - 1)} aria-label="Previous item">
              ‹
            </button>
            <button
              type="button"
              disabled={at === pictures.length - 1}
              onClick={() => go(at + 1)}
              aria-label="Next item"
            >
              ›
            </button>
            <button type="button" onClick={stopLooking} autoFocus>
              Close
            </button>
          </span>
        </div>
      </div>
    </Dialog>
  );
}
