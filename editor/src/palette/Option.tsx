import type { CSSProperties } from "react";

import { groupHue } from "../card/colours";
import type { Choice } from "./choice";

interface OptionProps {
  readonly id: string;
  readonly choice: Choice;
  /** Stands above it, where a group begins. */
  readonly heading: string | undefined;
  readonly selected: boolean;
  onPoint(): void;
  onChoose(): void;
}

/** One entry of the palette: a node to add, or a port that is there already. */
export function Option({ id, choice, heading, selected, onPoint, onChoose }: OptionProps) {
  const isNew = choice.sort === "new";
  return (
    <>
      {heading && (
        <li role="presentation" className="palette-heading">
          {heading}
        </li>
      )}
      <li
        id={id}
        role="option"
        aria-selected={selected}
        className={selected ? "selected" : ""}
        style={{ "--hue": isNew ? groupHue(choice.kind.group) : 0 } as CSSProperties}
        onPointerMove={onPoint}
        onClick={onChoose}
      >
        <span className="palette-title">
          {isNew ? choice.kind.title : choice.node}
          {choice.port !== undefined && <span className="palette-port">{choice.port}</span>}
        </span>
        <span className="palette-doc">{isNew ? choice.kind.doc.split("\n")[0] : choice.title}</span>
      </li>
    </>
  );
}
