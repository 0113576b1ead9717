/** The rows of a node: the inputs that matter first, those seldom set under "more". */

import { own, type Call, type Kind } from "../../graph";

/** A node with more inputs than this hides those that are neither set nor linked. */
const MOST = 11;

export interface Rows {
  readonly shown: readonly string[];
  readonly hidden: readonly string[];
  /** Given to the node, but none of its kind's inputs. */
  readonly strays: readonly string[];
}

/** Authors write the inputs that matter first, so the last ones are hidden; none that is `wrong`. */
export function rowsOf(
  kind: Kind | undefined,
  call: Call,
  open: boolean,
  wrong: readonly string[] = [],
): Rows {
  const inputs = kind?.inputs ?? {};
  const isSet = (name: string) =>
    own(call.values, name) !== undefined || own(call.links, name) !== undefined;
  const names = Object.keys(inputs);
  const strays = [...Object.keys(call.links), ...Object.keys(call.values)].filter(
    (name) => own(inputs, name) === undefined,
  );
  const shown = names.filter(
    (name, place) =>
      open ||
      names.length <= MOST + 1 ||
      place < MOST ||
      isSet(name) ||
      wrong.includes(name) ||
      inputs[name]?.required,
  );
  const hidden = names.filter((name) => !shown.includes(name));
  return { shown, hidden, strays: [...new Set(strays)] };
}
