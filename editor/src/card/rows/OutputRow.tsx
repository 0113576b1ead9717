import { memo } from "react";
import { useStore } from "zustand";

import { edit, present, resultAt, toggleResult, typeName, useEditor, type Output } from "../../graph";
import { openPalette } from "../../ui/paletteRequest";
import { openMenu } from "../../ui/menu/menu";
import { checks } from "../checks";
import { outputMenu } from "../ports/portMenus";
import { PortDot } from "../ports/PortDot";

function nameAt(ends: Readonly<Record<string, string>>, address: string): string | undefined {
  return Object.keys(ends).find((name) => ends[name] === address);
}

function flagTitle(result: string | undefined, end: string | undefined): string {
  if (result !== undefined) return `Result “${result}”`;
  if (end === undefined) return "Keep as a result of the workflow";
  return `Result “${end}”: nothing is flagged, so what no other node takes is kept. Press to flag it.`;
}

interface OutputRowProps {
  readonly node: string;
  readonly name: string;
  readonly output: Output | undefined;
}

/** One output: its name, whether it is kept as a result, and its port. */
export const OutputRow = memo(function OutputRow({ node, name, output }: OutputRowProps) {
  const address = `${node}.${name}`;
  const result = useEditor((state) => resultAt(present(state), address));
  // Where nothing is flagged, the end nodes give the results.
  const end = useStore(checks, ({ ends }) => nameAt(ends, address));
  const kept = result ?? end;
  const title = output?.title ?? name;
  const type = output ? typeName(output) : "unknown";
  return (
    <div
      className={`row out ${output ? "" : "wrong"}`}
      onContextMenu={(event) => openMenu(event, outputMenu(node, name))}
    >
      <button
        type="button"
        className="result-flag nodrag"
        aria-pressed={result !== undefined}
        aria-label={`Keep ${address} as a result${result === undefined ? "" : `: ${result}`}`}
        title={flagTitle(result, end)}
        onClick={() => edit("change results", (workflow) => toggleResult(workflow, address))}
      >
        <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
          <path d="M4 2.5h8v11l-4-3-4 3z" />
        </svg>
        {kept !== undefined && <span className={result === undefined ? "implied" : ""}>{kept}</span>}
      </button>
      {type.toLowerCase() !== title.toLowerCase() && <span className="row-type">{type}</span>}
      <button
        type="button"
        className="row-name nodrag"
        title={`${output?.description ?? type}. Press to connect.`}
        aria-label={`Connect ${address}`}
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          openPalette({ x: box.right + 24, y: box.top, from: { node, side: "out", port: name }, byName: true });
        }}
      >
        {title}
      </button>
      <PortDot node={node} side="out" port={name} described={output} linked />
    </div>
  );
});
