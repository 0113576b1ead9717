/** Search of the kinds by a few letters of their title, aliases, type or group, scored word by word. */

import { portsFor, type Input, type Kind, type Kinds, type Output, type PortSide } from "../graph";
import { wordsOf } from "../ui/words";

/** What the palette offers: a kind, and the port of it that the wire would end in. */
export interface Offer {
  readonly kind: Kind;
  readonly port?: string;
}

/** Every kind, in the order of its groups. */
export function allOffers(kinds: Kinds): Offer[] {
  return Object.values(kinds).map((kind) => ({ kind }));
}

/** The kinds a wire can be continued with, each with its likeliest port. */
export function offersFor(kinds: Kinds, side: PortSide, described: Input | Output): Offer[] {
  return Object.values(kinds).flatMap((kind) => {
    const [port] = portsFor(side, described, kind);
    return port === undefined ? [] : [{ kind, port }];
  });
}

/** Those that match what was typed, the best first; all of them where nothing was. */
export function matches(offers: readonly Offer[], typed: string): Offer[] {
  const words = wordsOf(typed);
  if (words.length === 0) return [...offers];
  return offers
    .map((offer) => ({ offer, score: rankOf(offer.kind) * scoreOf(offer.kind, words) }))
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .map(({ offer }) => offer);
}

/** A shipped workflow comes after a node that is called so as well. */
function rankOf({ sort }: Kind): number {
  return sort === "template" ? 0.7 : 1;
}

/** Every word must be found; where it is found counts more than how much of it. */
function scoreOf(kind: Kind, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const best = Math.max(
      4 * matched(word, kind.title),
      // Letters in between would be found in nearly all of so many.
      ...(kind.aliases ?? []).map((alias) => 3.9 * wholly(matched(word, alias))),
      3 * matched(word, kind.type),
      2 * matched(word, kind.group),
      // A description holds nearly any letters somewhere, so only whole words count.
      startsWord(word, kind.doc) ? 0.8 : 0,
    );
    if (best === 0) return 0;
    sum += best;
  }
  return sum;
}

function wholly(match: number): number {
  return match > 0.5 ? match : 0;
}

/** How well a word matches: 1 from the start, less within, least with letters in between. */
export function matched(word: string, text: string): number {
  const lower = text.toLowerCase();
  if (lower === word) return 1.2;
  if (lower.startsWith(word)) return 1;
  if (startsWord(word, text)) return 0.8;
  if (lower.includes(word)) return 0.6;
  return word.length > 1 && inOrder(word, lower) ? 0.3 : 0;
}

function startsWord(word: string, text: string): boolean {
  return text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((part) => part.startsWith(word));
}

function inOrder(word: string, text: string): boolean {
  let at = 0;
  for (const letter of word) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
