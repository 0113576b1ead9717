/** The workflow as it was when it was last run from here: a failure is old once its node is edited. */

import { createStore, useStore } from "zustand";

import { own, present, useEditor, type Workflow } from "../graph";
import { runs, type NodeRun, type Phase } from "../server";

export const ran = createStore<{ readonly job: string | null; readonly workflow: Workflow | null }>()(
  () => ({ job: null, workflow: null }),
);

/** How a node fares in the run that is shown, unless it failed and was changed since. */
export function useFreshRun(node: string): NodeRun | undefined {
  const run = useStore(runs, (state) => state.run.nodes[node]);
  return useIsOld(node) ? undefined : run;
}

/** The same, for what need not be drawn anew with every step. */
export function useFreshPhase(node: string): Phase | undefined {
  const phase = useStore(runs, (state) => state.run.nodes[node]?.phase);
  return useIsOld(node) ? undefined : phase;
}

function useIsOld(node: string): boolean {
  const failed = useStore(runs, ({ run }) => {
    const phase = run.nodes[node]?.phase;
    return phase === "failed" || phase === "skipped" ? run.job : null;
  });
  const then = useStore(ran, ({ job, workflow }) =>
    workflow && job === failed ? own(workflow.nodes, node) : undefined,
  );
  const now = useEditor((state) => own(present(state).nodes, node));
  const isEdited = useEditor((state) => ran.getState().workflow?.nodes !== present(state).nodes);
  const skipped = useStore(runs, ({ run }) => run.nodes[node]?.phase === "skipped");
  // What was not run for another node's sake may be run after any change.
  return failed !== null && then !== undefined && (skipped ? isEdited : then !== now);
}
