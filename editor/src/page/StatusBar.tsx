import { useStore } from "zustand";

import { checks, type Checks } from "../card/checks";
import { useHasChanged } from "../card/lastRun";
import { present, useEditor } from "../graph";
import { ProblemsPanel } from "../panels";
import { connection, useRun, type Problem, type Run } from "../server";
import { layout } from "./layout";

const NONE: readonly Problem[] = [];

/** What is wrong, and how the run stands. */
export function StatusBar() {
  const { problems: open } = useStore(layout);
  const state = useStore(checks);
  const isPending = useEditor((now) => present(now) !== state.about);
  const run = useRun();
  const changed = useHasChanged();
  const failures = run.state === "failed" && !changed ? run.problems : NONE;
  const verdict = verdictOf(state, isPending, failures.length);
  return (
    <footer className="foot">
      {open && (
        <>
          <h2 className="hidden">Problems</h2>
          <ProblemsPanel
            problems={state.problems}
            warnings={state.warnings}
            failures={failures}
            checked={!isPending}
          />
        </>
      )}
      <div className="status">
        <button
          type="button"
          aria-expanded={open}
          className={verdict.tone}
          onClick={() => layout.setState({ problems: !open })}
        >
          {verdict.text}
        </button>
        <RunState run={run} changed={changed} />
      </div>
    </footer>
  );
}

interface Verdict {
  readonly text: string;
  readonly tone: "good" | "warn" | "bad" | "";
}

/** What is known to be wrong: of a state that was not looked at yet, nothing is claimed. */
export function verdictOf(
  { problems, warnings, unanswered }: Pick<Checks, "problems" | "warnings" | "unanswered">,
  isPending: boolean,
  failures: number,
): Verdict {
  if (isPending && unanswered) return { text: "Not checked: no answer", tone: "warn" };
  const parts = [
    counted(problems.length, "problem"),
    failures ? `${counted(failures, "failure")} in the run` : "",
    counted(warnings.length, "warning"),
  ].filter(Boolean);
  if (parts.length === 0) return isPending ? { text: "Checking …", tone: "" } : { text: "No problems", tone: "good" };
  return { text: parts.join(", "), tone: problems.length || failures ? "bad" : "warn" };
}

function counted(count: number, noun: string): string {
  return count ? `${count} ${noun}${count === 1 ? "" : "s"}` : "";
}

function RunState({ run, changed }: { readonly run: Run; readonly changed: boolean }) {
  const isHeard = useStore(connection, ({ now }) => now.state !== "lost");
  return <span role="status">{stateOf(run, changed, isHeard)}</span>;
}

/** How the run stands, in words: as last heard, and whether it is about what is drawn now. */
export function stateOf(run: Run, changed: boolean, isHeard: boolean): string {
  const since = changed ? ", changed since" : "";
  const heard = isHeard ? "" : ", as last heard";
  switch (run.state) {
    case null:
      return "";
    case "queued":
      return `Waiting for its turn${heard}`;
    case "running": {
      if (run.cancelling) return `Being cancelled${heard}`;
      return (run.total ? `Running: ${run.done} of ${run.total} items` : "Running") + heard;
    }
    case "done":
      return `Done${since}`;
    case "failed":
      return `Failed${since}`;
    case "cancelled":
      return `Cancelled${since}`;
  }
}
