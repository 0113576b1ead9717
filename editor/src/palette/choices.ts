/** The choices that the palette lists for a request, by what was typed, under the headings of their groups. */

import { useMemo } from "react";

import { describedAt, kindsNow, useEditor } from "../graph";
import type { PaletteRequest } from "../ui/paletteRequest";
import type { Choice } from "./choice";
import { existingPorts } from "./existing";
import { allOffers, matches, offersFor } from "./search";

/** The nodes to add and the ports that are there, in the order in which they are listed. */
export function useChoices(request: PaletteRequest, typed: string): readonly Choice[] {
  const kinds = useEditor(kindsNow);
  const described = request.from && describedAt(request.from);
  const side = request.from?.side;
  return useMemo(() => {
    if (request.from && !described) return [];
    const offers = described && side ? offersFor(kinds, side, described) : allOffers(kinds);
    const fresh = matches(offers, typed).map((offer): Choice => ({ sort: "new", ...offer }));
    const there = request.from ? existingPorts(request.from, typed) : [];
    const existing = there.map((port): Choice => ({ sort: "existing", ...port }));
    return request.byName ? [...existing, ...fresh] : [...fresh, ...existing];
  }, [kinds, described, side, request, typed]);
}

/** The heading above an entry: its group, as long as nothing is typed that mixes them. */
export function headingAt(choices: readonly Choice[], index: number, typed: string): string | undefined {
  const name = (choice: Choice | undefined) =>
    choice?.sort === "existing" ? "In this graph" : typed ? "" : (choice?.kind.group ?? "");
  const mine = name(choices[index]);
  return index > 0 && mine === name(choices[index - 1]) ? undefined : mine || undefined;
}

export function keyOf(choice: Choice): string {
  return choice.sort === "new" ? choice.kind.type : `${choice.node}.${choice.port}`;
}
