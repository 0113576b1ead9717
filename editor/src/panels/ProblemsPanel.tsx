import type { Problem } from "../server";
import { useHost } from "./host";

interface ProblemsPanelProps {
  /** What forbids a run. */
  problems: readonly Problem[];
  /** What a run would work with, but probably not as it is meant. */
  warnings?: readonly Problem[];
  /** What went wrong in the run that is shown, of what is drawn still. */
  failures?: readonly Problem[];
  /** Whether what is drawn now has been looked at. */
  checked?: boolean;
}

/** Every mistake of the document at once; choosing one brings its node into view. */
export function ProblemsPanel({ problems, warnings = [], failures = [], checked = true }: ProblemsPanelProps) {
  const any = problems.length + warnings.length + failures.length > 0;
  return (
    <section className="panel problems" aria-label="Problems">
      {!any && <p className="empty">{checked ? "No problems: it can be run." : "Not checked yet."}</p>}
      <List title="Failed in the run" kind="bad" problems={failures} />
      <List title="Must be changed" kind="bad" problems={problems} />
      <List title="Worth a look" kind="warn" problems={warnings} />
    </section>
  );
}

interface ListProps {
  title: string;
  kind: "bad" | "warn";
  problems: readonly Problem[];
}

function List({ title, kind, problems }: ListProps) {
  const host = useHost();
  if (!problems.length) return null;
  return (
    <>
      <h3>
        {title} <span className="count">{problems.length}</span>
      </h3>
      <ul className="entries" aria-label={title}>
        {problems.map(({ address, message }, at) => (
          <li key={`${address} ${at}`}>
            <button
              type="button"
              className={`problem ${kind}`}
              onClick={() => host.goTo(address)}
              title="Go to the node"
            >
              <code>{address}</code> {message}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
