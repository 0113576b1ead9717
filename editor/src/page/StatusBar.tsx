import { useStore } from "zustand";

import { checks } from "../card/checks";
import { ProblemsPanel } from "../panels";
import { useRun } from "../server";
import { layout } from "./layout";

/** What is wrong, and how the run stands. */
export function StatusBar() {
  const { problems: open } = useStore(layout);
  const { problems, warnings } = useStore(checks);
  const count = problems.length + warnings.length;
  return (
    <footer className="foot">
      {open && (
        <>
          <h2 className="hidden">Problems</h2>
          <ProblemsPanel problems={problems} warnings={warnings} />
        </>
      )}
      <div className="status">
        <button
          type="button"
          aria-expanded={open}
          className={problems.length ? "bad" : warnings.length ? "warn" : "good"}
          onClick={() => layout.setState({ problems: !open })}
        >
          {count === 0 ? "No problems" : counted(problems.length, warnings.length)}
        </button>
        <RunState />
      </div>
    </footer>
  );
}

function counted(problems: number, warnings: number): string {
  const parts = [
    problems && `${problems} problem${problems === 1 ? "" : "s"}`,
    warnings && `${warnings} warning${warnings === 1 ? "" : "s"}`,
  ];
  return parts.filter(Boolean).join(", ");
}

function RunState() {
  const run = useRun();
  const text = {
    queued: "Waiting for its turn",
    running: run.total ? `Running: ${run.done} of ${run.total} items` : "Running",
    done: "Done",
    failed: "Failed",
    cancelled: "Cancelled",
  };
  return <span role="status">{run.state === null ? "" : text[run.state]}</span>;
}
