import type { Problem } from "../server";
import { applyFix } from "./fixes";

/** What would run but probably not as meant; where the check offers a change, it is a press away. */
export function Warning({ warning }: { readonly warning: Problem }) {
  const { fix } = warning;
  return (
    <p className="card-note warn">
      {warning.message}
      {fix && (
        <button type="button" className="fix nodrag" onClick={() => applyFix(warning.address, fix)}>
          {fix.label}
        </button>
      )}
    </p>
  );
}
