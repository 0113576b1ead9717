import type { NodeProps } from "@xyflow/react";
import { memo, useState, type CSSProperties } from "react";

import { kindOf, own, present, useEditor } from "../graph";
import { CardHead } from "./CardHead";
import { Strip } from "./Strip";
import type { CallNode } from "./callNode";
import { groupHue } from "./colours";
import { useFreshPhase } from "./lastRun";
import { Warning } from "./Warning";
import { useProblems, useWarnings, useWrong } from "./marks";
import { watchAway } from "./offscreen";
import { FoldedPorts } from "./ports/FoldedPorts";
import { InputRow } from "./rows/InputRow";
import { OutputRow } from "./rows/OutputRow";
import { StrayRow } from "./rows/StrayRow";
import { rowsOf } from "./rows/rows";
import { useMeasuredPorts } from "./useMeasuredPorts";

/** A node of any kind: all that is on it is read from the kind's description. */
export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CallNode>) {
  const call = useEditor((state) => own(present(state).nodes, id));
  const kind = useEditor((state) => kindOf(id, state));
  const [open, setOpen] = useState(false);
  const wrong = useWrong(id);
  const problems = useProblems(id);
  const warnings = useWarnings(id);
  const phase = useFreshPhase(id);
  const rows = call && rowsOf(kind, call, open, wrong.inputs);
  const outputs = [...Object.keys(kind?.outputs ?? {}), ...data.strays];
  useMeasuredPorts(id, `${data.folded} ${rows?.shown} ${rows?.strays} ${outputs}`);
  if (!call || !rows) return null;
  const classes = ["card", selected ? "selected" : "", wrong.any ? "wrong" : "", phase ?? ""];
  return (
    <div
      className={classes.filter(Boolean).join(" ")}
      style={{ "--hue": kind ? groupHue(kind.group) : 0 } as CSSProperties}
      data-name={id}
      ref={watchAway}
      role="group"
      aria-label={`Node ${id}, ${kind?.title ?? call.type}`}
    >
      <CardHead name={id} type={call.type} kind={kind} folded={data.folded} />
      {!kind && <p className="card-note bad">There is no “{call.type}” here.</p>}
      {problems.map((message) => (
        <p className="card-note bad" key={message}>
          {message}
        </p>
      ))}
      {!data.folded &&
        warnings.map((warning) => <Warning key={warning.message} warning={warning} />)}
      {data.folded ? (
        <FoldedPorts node={id} inputs={Object.keys(call.links)} outputs={outputs} kind={kind} />
      ) : (
        <>
          <div className="rows">
            {rows.shown.map((name) => {
              const input = kind?.inputs[name];
              return (
                input && (
                  <InputRow
                    key={name}
                    node={id}
                    name={name}
                    input={input}
                    link={own(call.links, name)}
                    value={own(call.values, name)}
                  />
                )
              );
            })}
            {rows.strays.map((name) => (
              <StrayRow key={name} node={id} name={name} link={own(call.links, name)} />
            ))}
            {(rows.hidden.length > 0 || open) && (
              <button type="button" className="more nodrag" aria-expanded={open} onClick={() => setOpen(!open)}>
                {open ? "Fewer settings" : `${rows.hidden.length} more settings`}
              </button>
            )}
          </div>
          <div className="rows outputs">
            {outputs.map((name) => (
              <OutputRow key={name} node={id} name={name} output={own(kind?.outputs ?? {}, name)} />
            ))}
          </div>
          <Strip node={id} kind={kind} />
        </>
      )}
    </div>
  );
});
