/** The start of the page: nodes, models, drafts, and on a first start a workflow. */

import { explainAfterRuns, followShown } from "../documents/running";
import { keepDrafts } from "../documents/autosave";
import { findDrafts } from "../documents/restoring";
import { say } from "../ui/say";
import { openWorkflow } from "../documents/opening";
import { watchChecks } from "../card/checks";
import { hasChanged, ran, watchRan } from "../card/lastRun";
import { templateTypes } from "../commands/canvasMenus";
import { close, editor, isUntouched, kindsByType, openEmpty, restore, setKinds, shown, titleOf } from "../graph";
import { openStored } from "../panels";
import { api, runs, sentence, start } from "../server";
import { loadModels } from "../server/models";
import { tokens } from "../server/token";
import { keepCompositions } from "../ui/keys";
import { leaveOnEscape } from "../ui/useField";
import { tabTitle } from "./tabTitle";

const FIRST = "canny-portraits";

/** Milliseconds for which the kinds of nodes are waited for. */
const PATIENCE = 5000;

/** Connect everything; returns how to stop it all. */
export function startPage(): () => void {
  const stops: (() => void)[] = [keepCompositions(), start(), showTitle(), leaveOnEscape(), tokens.subscribe(onToken)];
  let stopped = false;
  // Not at once: React starts a page in development twice, and a tab must not meet itself.
  void Promise.resolve()
    .then(() => (stopped ? [] : prepare()))
    .then((more) => {
      if (stopped) more.forEach((stop) => stop());
      else stops.push(...more);
    });
  return () => {
    stopped = true;
    stops.forEach((stop) => stop());
  };
}

async function prepare(): Promise<(() => void)[]> {
  const finding = findDrafts();
  // Without kinds nothing is drawn well, but a server that does not answer must not keep the work from its owner.
  await Promise.race([loadKinds(), new Promise((over) => setTimeout(over, PATIENCE))]);
  const { tab, draft, leave } = await finding;
  restore(draft.documents, draft.active);
  if (editor.getState().documents.length === 0) await openFirst();
  void loadModels();
  return [leave, keepDrafts(tab), watchRan(), followShown(), explainAfterRuns(), watchChecks()];
}

/** A token that was asked for opens what could not be read before. */
function onToken(now: { token: string | null }, before: { token: string | null }) {
  if (now.token === before.token) return;
  void loadKinds().then(() => {
    const { documents } = editor.getState();
    const [only] = documents;
    if (documents.length === 1 && only && isUntouched(only)) void openFirst();
  });
  void loadModels();
}

async function loadKinds() {
  try {
    const { nodes, refused } = await api.nodes();
    setKinds(kindsByType(nodes));
    templateTypes.clear();
    for (const kind of nodes) if (kind.sort === "template") templateTypes.add(kind.type);
    for (const { source, reason } of refused) say(`${source} was refused: ${reason}`);
  } catch (error) {
    say(`No nodes could be read: ${sentence(error)}`);
  }
}

async function openFirst() {
  try {
    const [workflow, origin] = await openStored(FIRST);
    const before = editor.getState().documents.filter(isUntouched);
    openWorkflow(workflow, origin);
    // The empty one that stood in for it.
    for (const { id } of before) close(id);
  } catch {
    if (editor.getState().documents.length === 0) openEmpty();
  }
}

/** The browser's tab says how far the run is. */
function showTitle(): () => void {
  const put = () => {
    const now = shown();
    const title = tabTitle(now ? titleOf(now) : "", runs.getState().run, hasChanged());
    if (document.title !== title) document.title = title;
  };
  const stops = [editor.subscribe(put), runs.subscribe(put), ran.subscribe(put)];
  put();
  return () => stops.forEach((stop) => stop());
}
