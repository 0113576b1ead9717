/** An entry of the palette, and what choosing it does: add its node, and connect it. */

import { centred, flowPoint, focusNode } from "../canvas/viewport";
import { addNode, connectPorts, edit, kindsNow, select } from "../graph";
import type { PaletteRequest } from "../ui/paletteRequest";
import type { ExistingPort } from "./existing";
import type { Offer } from "./search";

export type Choice =
  | ({ readonly sort: "new" } & Offer)
  | ({ readonly sort: "existing" } & ExistingPort);

/** Do what was chosen, as one step. */
export function choose(request: PaletteRequest, choice: Choice) {
  const { from } = request;
  if (choice.sort === "existing") {
    if (from) edit("connect", (workflow) => connectPorts(workflow, from, choice, kindsNow()));
    return;
  }
  const added: { name?: string } = {};
  edit(`add ${choice.kind.title}`, (workflow) => {
    const place = flowPoint(request.x, request.y);
    const [more, node] = addNode(workflow, choice.kind.type, from ? place : centred(place));
    added.name = node;
    const { port } = choice;
    return from && port !== undefined ? connectPorts(more, from, { node, port }, kindsNow()) : more;
  });
  if (!added.name) return;
  select([added.name]);
  if (request.byName) focusNode(added.name);
}
