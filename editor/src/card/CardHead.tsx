import { useState } from "react";

import { edit, present, renameNode, withFolded, select, whyNotNamed, type Kind } from "../graph";
import { useHost } from "../panels";
import { renaming, stopRenaming, useIsRenaming } from "./renaming";
import { StatusBadge } from "./StatusBadge";

interface CardHeadProps {
  readonly name: string;
  readonly type: string;
  readonly kind: Kind | undefined;
  readonly folded: boolean;
}

/** A node's name and kind, how it fares, and the fold. */
export function CardHead({ name, type, kind, folded }: CardHeadProps) {
  const isRenamed = useIsRenaming(name);
  const title = kind?.title ?? type;
  return (
    <div className="card-head" title={kind?.doc}>
      <button
        type="button"
        className="fold nodrag"
        aria-expanded={!folded}
        aria-label={folded ? `Unfold ${name}` : `Fold ${name}`}
        onClick={() =>
          edit(folded ? "unfold" : "fold", (workflow) => withFolded(workflow, [name], !folded))
        }
      >
        <svg viewBox="0 0 10 10" width="8" height="8" aria-hidden="true">
          <path d="M1.5 3l3.5 4 3.5-4" fill="none" stroke="currentColor" strokeWidth="1.6" />
        </svg>
      </button>
      {isRenamed ? (
        <NameField name={name} />
      ) : (
        <span className="card-name" onDoubleClick={() => renaming.setState({ node: name })}>
          {name}
        </span>
      )}
      {title.toLowerCase() !== name.replaceAll("_", " ") && <span className="card-kind">{title}</span>}
      <StatusBadge node={name} />
    </div>
  );
}

function NameField({ name }: { name: string }) {
  const host = useHost();
  const [typed, setTyped] = useState(name);
  const [told, setTold] = useState(false);
  const wanted = typed.trim();
  const wrong = wanted === name || wanted === "" ? undefined : whyNotNamed(wanted, "node", present().nodes);
  // However it is left, Escape included; undo takes it back.
  const leave = () => {
    stopRenaming();
    if (wrong !== undefined) host.say(wrong);
    else if (wanted !== name && wanted !== "") {
      edit(`rename ${name}`, (workflow) => renameNode(workflow, name, wanted));
      select([wanted]);
    }
  };
  return (
    <>
      <input
        type="text"
        className="name-field nodrag"
        aria-label={`New name of ${name}`}
        aria-invalid={(told && wrong !== undefined) || undefined}
        value={typed}
        autoFocus
        onFocus={(event) => event.target.select()}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={leave}
        onKeyDown={(event) => {
          // Escape is heard further out: it leaves any field.
          if (event.key !== "Escape") event.stopPropagation();
          if (event.key !== "Enter") return;
          if (wrong === undefined) leave();
          else setTold(true);
        }}
      />
      {told && wrong !== undefined && (
        <span role="alert" className="name-problem">
          {wrong}
        </span>
      )}
    </>
  );
}
