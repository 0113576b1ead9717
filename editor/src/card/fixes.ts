/** Changes that a check offers with what it warns of, done as one step that can be undone. */

import { edit, kindOf, own, setValue, split, type Json } from "../graph";
import type { Problem } from "../server";
import { spotOf } from "./marks";

export interface Fix {
  /** What to press: "Use 512 × 512". */
  readonly label: string;
  /** Values by input of the node, or by whole address. */
  readonly inputs: Readonly<Record<string, Json>>;
}

/** The change that a problem offers, if it does; a server of another version may offer none. */
export function fixOf(problem: Problem): Fix | null {
  const { fix } = problem as Problem & { readonly fix?: Partial<Fix> | null };
  return fix?.label && fix.inputs ? { label: fix.label, inputs: fix.inputs } : null;
}

export function applyFix(address: string, { label, inputs }: Fix) {
  edit(label, (workflow) =>
    Object.entries(inputs).reduce((changed, [input, value]) => {
      const [node, port] = input.includes(".") ? split(input) : [spotOf(address).node, input];
      const described = own(kindOf(node)?.inputs ?? {}, port);
      return setValue(changed, node, port, value, described);
    }, workflow),
  );
}
