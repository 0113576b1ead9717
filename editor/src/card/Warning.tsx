import type { Problem } from "../server";
import { applyFix } from "./fixes";
import { spotOf } from "./marks";

/** What would run but probably not as meant; where the check offers a change, it is a press away. */
export function Warning({ warning }: { readonly warning: Problem }) {
  const { fix, message } = warning;
  const { input } = spotOf(warning.address);
  return (
    <p className="card-note warn">
      {input && <b>{input} </b>}
      {message}
      {fix && (
        <button type="button" className="fix nodrag" onClick={() => applyFix(warning.address, fix)}>
          {fix.label}
        </button>
      )}
    </p>
  );
}
