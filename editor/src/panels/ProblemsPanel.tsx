import type { Problem } from "../server";
import { useHost } from "./host";

interface ProblemsPanelProps {
  /** What forbids a run. */
  problems: readonly Problem[];
  /** What a run would work with, but probably not as it is meant. */
  warnings?: readonly Problem[];
}

/** Every mistake of the document at once; choosing one brings its node into view. */
export function ProblemsPanel({ problems, warnings = [] }: ProblemsPanelProps) {
  return (
    <section className="panel problems" aria-label="Problems">
      {!problems.length && !warnings.length && <p className="empty">No problems: it can be run.</p>}
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
