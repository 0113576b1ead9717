/** The start of the page: nodes, models, drafts, and on a first start a workflow. */

import { explainAfterRuns, followShown } from "../documents/running";
import { keepDrafts, restoreDrafts } from "../documents/autosave";
import { say } from "../ui/say";
import { openWorkflow } from "../documents/opening";
import { watchChecks } from "../card/checks";
import { hasChanged, ran, watchRan } from "../card/lastRun";
import { templateTypes } from "../commands/canvasMenus";
import { editor, kindsByType, openEmpty, setKinds, shown, titleOf } from "../graph";
import { openStored } from "../panels";
import { api, runs, sentence, start } from "../server";
import { loadModels } from "../server/models";
import { tokens } from "../server/token";
import { tabTitle } from "./tabTitle";

const FIRST = "canny-portraits";

/** Connect everything; returns how to stop it all. */
export function startPage(): () => void {
  const stops: (() => void)[] = [start(), showTitle()];
  let stopped = false;
  void prepare().then((more) => {
    if (stopped) more.forEach((stop) => stop());
    else stops.push(...more);
  });
  return () => {
    stopped = true;
    stops.forEach((stop) => stop());
  };
}

async function prepare(): Promise<(() => void)[]> {
  await loadKinds();
  const tab = await restoreDrafts();
  if (editor.getState().documents.length === 0) await openFirst();
  void loadModels();
  return [
    keepDrafts(tab),
    watchRan(),
    followShown(),
    explainAfterRuns(),
    watchChecks(),
    tokens.subscribe(onToken),
  ];
}

/** A token that was asked for opens what could not be read before. */
function onToken(now: { token: string | null }, before: { token: string | null }) {
  if (now.token === before.token) return;
  void loadKinds().then(() => {
    const { documents } = editor.getState();
    const [only] = documents;
    const isBlank = documents.length === 1 && only && Object.keys(only.history.present.nodes).length === 0;
    if (isBlank) void openFirst();
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
    openWorkflow(workflow, origin);
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
