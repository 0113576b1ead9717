import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { KINDS, PORTRAITS } from "../../testing/kinds";
import { pasted, copied } from "../clipboard";
import { collapsed } from "../templates/collapse";
import { addNode, removeNodes, renameNode, setTitle, setValue } from "../edits";
import { expanded } from "../templates/expand";
import { toggleParam, toggleResult } from "../ownPorts";
import * as store from "../index";
import { kindsFor } from "../templates/kind";
import { moved } from "../view/places";
import { withFolded } from "../view/folded";
import { addFrame } from "../view/frames";
import { connect, disconnect } from "../connect";
import { moveWire } from "../inputLink";
import { wiresOf } from "../wires";
import type { Workflow } from "../workflow";

/** One thing a user may do; the numbers choose among what there is. */
type Action = (workflow: Workflow, pick: (limit: number) => number) => Workflow;

const name = (workflow: Workflow, at: number) => Object.keys(workflow.nodes)[at] ?? "none";

const count = (workflow: Workflow) => Math.max(Object.keys(workflow.nodes).length, 1);

const some = (workflow: Workflow, pick: (limit: number) => number) =>
  new Set([name(workflow, pick(count(workflow))), name(workflow, pick(count(workflow)))]);

const types = Object.keys(KINDS);

const ACTIONS: Record<string, Action> = {
  add: (workflow, pick) => addNode(workflow, types[pick(types.length)] ?? "Canny", [pick(900), 0])[0],
  remove: (workflow, pick) => removeNodes(workflow, some(workflow, pick)),
  rename: (workflow, pick) => renameNode(workflow, name(workflow, pick(count(workflow))), `n${pick(9)}`),
  value: (workflow, pick) => setValue(workflow, name(workflow, pick(count(workflow))), "seed", pick(5)),
  title: (workflow, pick) => setTitle(workflow, `title ${pick(4)}`),
  move: (workflow, pick) => moved(workflow, { [name(workflow, pick(count(workflow)))]: [pick(99), 5] }),
  paste: (workflow, pick) => pasted(workflow, copied(workflow, some(workflow, pick)))[0],
  duplicate: (workflow, pick) =>
    pasted(workflow, copied(workflow, some(workflow, pick)), { incoming: true })[0],
  connect: (workflow, pick) =>
    connect(
      workflow,
      `${name(workflow, pick(count(workflow)))}.image`,
      name(workflow, pick(count(workflow))),
      ["images", "image", "controls"][pick(3)] ?? "image",
      KINDS["Grid"]?.inputs["images"],
    ),
  disconnect: (workflow, pick) => {
    const wires = wiresOf(workflow);
    const wire = wires[pick(Math.max(wires.length, 1))];
    return wire ? disconnect(workflow, wire.target, wire.input, wire.index) : workflow;
  },
  order: (workflow, pick) => moveWire(workflow, name(workflow, pick(count(workflow))), "images", 0, 1),
  param: (workflow, pick) => toggleParam(workflow, `${name(workflow, pick(count(workflow)))}.seed`, "Seed"),
  result: (workflow, pick) => toggleResult(workflow, `${name(workflow, pick(count(workflow)))}.image`),
  frame: (workflow, pick) => addFrame(workflow, "Group", [pick(9), 0], [100, 100]),
  fold: (workflow, pick) => withFolded(workflow, [name(workflow, pick(count(workflow)))], true),
  collapse: (workflow, pick) => {
    try {
      return collapsed(workflow, some(workflow, pick), "Part", KINDS)[0];
    } catch {
      return workflow;
    }
  },
  expand: (workflow, pick) => expanded(workflow, name(workflow, pick(count(workflow))))[0],
};

const steps = fc.array(
  fc.record({
    action: fc.constantFrom(...Object.keys(ACTIONS)),
    numbers: fc.array(fc.nat(1000), { minLength: 3, maxLength: 3 }),
  }),
  { maxLength: 40 },
);

function act({ action, numbers }: { action: string; numbers: readonly number[] }) {
  let next = 0;
  const pick = (limit: number) => (numbers[next++ % numbers.length] ?? 0) % limit;
  store.edit(action, (workflow) => ACTIONS[action]?.(workflow, pick) ?? workflow);
}

const plain = (workflow: Workflow) => JSON.parse(JSON.stringify(workflow)) as unknown;

const now = () => {
  const document = store.shown();
  if (!document) throw new Error("no document is open");
  return document;
};

describe("undo and redo", () => {
  beforeEach(() => store.editor.setState({ documents: [], active: "", kinds: KINDS }));

  it("lead through random actions to the very beginning and back to the very end", () => {
    fc.assert(
      fc.property(steps, (actions) => {
        store.open(PORTRAITS, { saved: PORTRAITS });
        const seen = [plain(now().history.present)];
        for (const action of actions) {
          const before = now().history.past.length;
          act(action);
          if (now().history.past.length > before) seen.push(plain(now().history.present));
        }
        const backwards = seen.map((_, index) => {
          if (index > 0) store.undoLast();
          return plain(now().history.present);
        });
        expect(backwards).toEqual([...seen].reverse());
        expect(store.isDirty(now())).toBe(false);
        const forwards = seen.map((_, index) => {
          if (index > 0) store.redoLast();
          return plain(now().history.present);
        });
        expect(forwards).toEqual(seen);
        expect(now().history.future).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it("leave no wire, param, result or folded mark that names a node which is gone", () => {
    fc.assert(
      fc.property(steps, (actions) => {
        store.open({ ...PORTRAITS, nodes: { ...PORTRAITS.nodes } });
        for (const action of actions.filter(({ action: one }) => one !== "expand")) act(action);
        const { nodes, params, results } = now().history.present;
        const named = [
          ...wiresOf(now().history.present).flatMap((wire) => [wire.source, wire.target]),
          ...Object.values(params).flatMap(({ to }) => [to].flat().map((at) => at.split(".")[0])),
          ...Object.values(results).map((at) => at.split(".")[0]),
        ].filter((one) => one !== "none");
        expect(named.filter((one) => !Object.hasOwn(nodes, one ?? ""))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("count arrow presses in a row as one step", () => {
    store.open(PORTRAITS);
    store.edit("move", (one) => moved(one, { photo: [10, 0] }), "nudge photo");
    store.edit("move", (one) => moved(one, { photo: [20, 0] }), "nudge photo");

    store.undoLast();

    expect(now().history.present).toBe(PORTRAITS);
  });

  it("make no step of what changes nothing", () => {
    store.open(PORTRAITS);

    store.edit("rename", (one) => renameNode(one, "photo", "photo"));

    expect(now().history.past).toEqual([]);
  });
});

describe("an unsaved mark", () => {
  it("tells whether the document differs from what was saved, not how often it was changed", () => {
    store.open(PORTRAITS, { saved: PORTRAITS });
    store.edit("title", (one) => setTitle(one, "other"));
    store.edit("title", (one) => setTitle(one, PORTRAITS.title));

    expect(store.isDirty(now())).toBe(false);
  });

  it("stays on what was edited while it was being saved", () => {
    const id = store.open(PORTRAITS);
    const sent = now().history.present;
    store.edit("title", (one) => setTitle(one, "edited meanwhile"));

    store.markSaved(id, sent, "portraits", "v1");

    expect(store.isDirty(now())).toBe(true);
  });
});

describe("a document's own templates", () => {
  it("are kinds like any other", () => {
    const [workflow, node] = collapsed(PORTRAITS, new Set(["photo", "sized"]), "Sized photo", KINDS);

    const kind = kindsFor(KINDS, workflow)[workflow.nodes[node]?.type ?? ""];

    expect(Object.keys(kind?.inputs ?? {})).toEqual(["picture", "size"]);
    expect(kind?.inputs["size"]).toMatchObject({ default: 128, required: false });
    expect(kind?.outputs["image"]).toMatchObject({ wire: "Image", title: "Image" });
  });
});
