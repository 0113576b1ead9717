/** Changes that a check offers with what it warns of, done as one step that can be undone. */

import { edit, kindOf, own, setValue, split, type Json } from "../graph";
import type { Problem } from "../server";
import { spotOf } from "./marks";

export type Fix = NonNullable<Problem["fix"]>;

/** Do the change that is offered at an address; its values are the node's, or name a whole address. */
export function applyFix(address: string, { label, inputs }: Fix) {
  edit(label, (workflow) =>
    Object.entries(inputs).reduce((changed, [input, value]) => {
      const [node, port] = input.includes(".") ? split(input) : [spotOf(address).node, input];
      const described = own(kindOf(node)?.inputs ?? {}, port);
      return setValue(changed, node, port, value as Json, described);
    }, workflow),
  );
}
