import { useStore } from "zustand";

import { reasons, runs, type NodeRun } from "../server";
import { expectationOf, useExpectation, type Expectation } from "./marks";
import { useFreshRun, useIsOld } from "./lastRun";

/** How a node fares in the run that is shown; once it was changed, what a run would do with it. */
export function StatusBadge({ node }: { readonly node: string }) {
  const run = useFreshRun(node);
  const expected = useExpectation(node);
  const job = useStore(runs, (state) => state.run.job);
  const lines = useStore(reasons, ({ byJob }) => byJob[job ?? ""]?.[node]);
  const why = (lines && expectationOf(lines)?.why) ?? "";
  const old = useIsOld(node);
  const badge = (run && badgeOf(run, why)) ?? (expected && expectedOf(expected, old));
  if (!badge) return null;
  return (
    <>
      <span className={`badge ${badge.tone}`} title={badge.why || undefined}>
        {badge.text}
      </span>
      {run && run.degraded.length > 0 && <Lessened savings={run.degraded} />}
      {run?.phase === "running" && <Progress node={node} run={run} />}
    </>
  );
}

/** Memory was short: how the node was computed all the same. */
function Lessened({ savings }: { readonly savings: readonly string[] }) {
  const words = savings.join(", ");
  const why = `Memory was short, so this was not computed as asked but: ${words}.`;
  return (
    <span className="badge lessened" role="img" aria-label={why} title={why}>
      {words}
    </span>
  );
}

interface Badge {
  readonly text: string;
  readonly tone: string;
  readonly why: string;
}

function Progress({ node, run }: { readonly node: string; readonly run: NodeRun }) {
  const label = `${node} progress`;
  return run.step ? (
    <progress className="card-progress" aria-label={label} value={run.step.done} max={run.step.total} />
  ) : (
    <progress className="card-progress" aria-label={label} />
  );
}

function badgeOf(run: NodeRun, why: string): Badge | null {
  switch (run.phase) {
    case "waiting":
      return null;
    case "running":
      return {
        text: run.step ? `${run.step.done}/${run.step.total}` : "running",
        tone: "running",
        why: run.open > 1 ? `${run.open} items at once` : "",
      };
    case "cached":
      return { text: "cached", tone: "cached", why: "Known already: nothing was computed." };
    case "done":
      return {
        text: run.resumed.length ? `${spelled(run.seconds)}, resumed` : spelled(run.seconds),
        tone: "done",
        why: doneText(run, why),
      };
    case "failed":
      return { text: "failed", tone: "failed", why: run.message ?? "" };
    case "skipped":
      return { text: "not run", tone: "skipped", why: run.message ?? "" };
  }
}

function doneText({ ended, cached, resumed }: NodeRun, why: string): string {
  const because = why && `: ${why}`;
  const on = resumed.length ? ` Resumed ${resumed.join(" and ")}: an earlier run had done the rest.` : "";
  if (cached === 0) return `Computed in this run${because}.${on}`;
  return `${ended - cached} of ${ended} items computed${because}; ${cached} known already.${on}`;
}

function expectedOf({ state, why }: Expectation, old: boolean): Badge | null {
  if (state === "cached") {
    return { text: "cached", tone: "cached faint", why: `Known already: a run only looks it up. ${why}` };
  }
  if (state === "fails") return { text: "would fail", tone: "failed", why };
  if (!why && !old) return null;
  return { text: "will run", tone: "faint", why: why || "It was changed since it ran, or what it needs was." };
}

function spelled(seconds: number): string {
  if (seconds < 0.1) return "done";
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}
