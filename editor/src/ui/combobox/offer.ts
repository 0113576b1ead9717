/** The offers of a combobox, filtered by the words that were typed. */

import { holdsWords, wordsOf } from "../words";

export interface Offer {
  readonly name: string;
  /** A word about it, beside its name. */
  readonly hint: string;
}

/** Those that hold every word that was typed, those whose name begins so first. */
export function fitting(offers: readonly Offer[], typed: string): readonly Offer[] {
  const [first = ""] = wordsOf(typed);
  const holds = ({ name, hint }: Offer) => holdsWords(`${name} ${hint}`, typed);
  const begins = ({ name }: Offer) => Number(name.toLowerCase().startsWith(first));
  return offers.filter(holds).sort((left, right) => begins(right) - begins(left));
}

/** The place a step further in a list of so many; before the first and after the last, round. */
export function stepped(at: number | null, by: number, count: number): number | null {
  if (count === 0) return null;
  if (at === null) return by > 0 ? 0 : count - 1;
  return (at + by + count) % count;
}
