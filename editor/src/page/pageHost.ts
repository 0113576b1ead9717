/** The page as the host of its panels: their questions answered by the document and the canvas. */

import { centred, flowPoint, showNodes } from "../canvas/viewport";
import { spotOf } from "../card/marks";
import { openWorkflow } from "../documents/opening";
import {
  addNode,
  edit,
  editor,
  find,
  kindOf,
  markDeleted,
  markSaved,
  own,
  present,
  readWorkflow,
  select,
  setValue,
  titleOf,
  toDocument,
} from "../graph";
import type { Host } from "../panels";
import { nameEntered } from "../panels/form/entered";
import { say } from "../ui/say";
import { layout } from "./layout";

export const host: Host = {
  document(id) {
    const document = find(editor.getState(), id);
    if (!document) return null;
    const { name, version, shipped, history } = document;
    return { saved: { title: titleOf(document), name, version, shipped }, workflow: toDocument(history.present) };
  },
  open(workflow, origin) {
    openWorkflow(workflow, origin);
    layout.setState({ view: "graph" });
  },
  saved(id, { name, version }, text) {
    const document = find(editor.getState(), id);
    if (document) nameEntered(document, name);
    markSaved(id, readWorkflow(text), name, version);
  },
  deleted: markDeleted,
  goTo(address) {
    const { node } = spotOf(address);
    if (!own(present().nodes, node)) return;
    layout.setState({ view: "graph" });
    select([node]);
    requestAnimationFrame(() => showNodes([node]));
  },
  nodeAt(x, y) {
    const under = document.elementFromPoint(x, y)?.closest(".react-flow__node-call");
    const name = under?.getAttribute("data-id") ?? "";
    const call = own(present().nodes, name);
    return call ? { name, type: call.type } : null;
  },
  setValue(node, input, value) {
    const kind = kindOf(node);
    const described = own(kind?.inputs ?? {}, input);
    edit(`set ${node}.${input}`, (workflow) => setValue(workflow, node, input, value, described));
  },
  addNode(type, values, x, y) {
    const added = { name: "" };
    edit(`add ${type}`, (workflow) => {
      const [more, name] = addNode(workflow, type, centred(flowPoint(x, y)));
      added.name = name;
      return Object.entries(values).reduce(
        (changed, [input, value]) => setValue(changed, name, input, value),
        more,
      );
    });
    select([added.name]);
    return added.name;
  },
  say,
};
