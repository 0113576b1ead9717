import { expect, test } from "vitest";

import * as graph from "../graph";
import { keepEntered, readEntered } from "../panels/form/entered";
import { PORTRAITS } from "../testing/kinds";
import { host } from "./pageHost";

test("what is saved is the document that was sent, whichever is shown by then", () => {
  graph.editor.setState({ documents: [], active: "", closed: [] });
  const sent = graph.open(PORTRAITS);
  const text = host.document(sent)?.workflow ?? {};
  const shown = graph.open(graph.setTitle(PORTRAITS, "another"));

  host.saved(sent, { name: "mine", version: "1" }, text);

  const state = graph.editor.getState();
  expect(graph.find(state, sent)).toMatchObject({ name: "mine", version: "1" });
  expect(graph.find(state, shown)).toMatchObject({ name: null, saved: null });
  expect(state.documents.map(graph.isDirty)).toEqual([false, true]);
});

test("what was entered in a form is there when the document has got a name", () => {
  const id = graph.open(PORTRAITS);
  keepEntered({ name: null, id }, { steps: 7 });

  host.saved(id, { name: "named", version: "1" }, host.document(id)?.workflow ?? {});

  expect(readEntered({ name: "named", id })).toEqual({ steps: 7 });
  expect(readEntered({ name: "named", id: "opened anew" })).toEqual({ steps: 7 });
});

test("what is open of a workflow that was deleted on the server is unsaved", () => {
  const id = graph.open(PORTRAITS, { saved: PORTRAITS, name: "gone", version: "1" });
  const other = graph.open(PORTRAITS, { saved: PORTRAITS, name: "there", version: "1" });

  host.deleted("gone");

  const state = graph.editor.getState();
  const dirty = [id, other].map((one) => graph.find(state, one)).map((one) => one && graph.isDirty(one));
  expect(dirty).toEqual([true, false]);
});

test("opening something leaves the field that is typed in, in its own document", () => {
  const first = graph.open(PORTRAITS);
  const field = document.body.appendChild(document.createElement("input"));
  field.addEventListener("blur", () => graph.edit("set", (one) => graph.setTitle(one, field.value)));
  field.focus();
  field.value = "typed";

  host.open(graph.toDocument(PORTRAITS), { kind: "new" });

  expect(graph.find(graph.editor.getState(), first)?.history.present.title).toBe("typed");
  expect(graph.present().title).toBe(PORTRAITS.title);
  field.remove();
});
