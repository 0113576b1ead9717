/** Links of a call: mapped, cut, and put back; what does not change stays the same object. */

import { settled } from "./fit";
import type { Kind } from "./kinds";
import { mapRecord, own, same } from "./records";
import { addresses, split, type Call, type Link, type Workflow } from "./workflow";

/** The addresses of all outputs that a call takes. */
export function sourcesOf(call: Call | undefined): string[] {
  return Object.values(call?.links ?? {}).flatMap((link) => addresses(link));
}

/** The nodes that a call depends on. */
export function dependenciesOf(call: Call | undefined): string[] {
  return sourcesOf(call).map((address) => split(address)[0]);
}

export function withCall(workflow: Workflow, node: string, call: Call): Workflow {
  return { ...workflow, nodes: { ...workflow.nodes, [node]: call } };
}

/** A call whose links are changed by `change`; the same call where none is. */
export function linksMapped(call: Call, change: (address: string) => string): Call {
  const links = mapRecord(call.links, (link) => linkMapped(link, change));
  return same(links, call.links) ? call : { ...call, links };
}

export function linkMapped(link: Link, change: (address: string) => string): Link {
  if (typeof link === "string") return change(link);
  const changed = link.map(change);
  return same(changed, link) ? link : changed;
}

/** A call without the links that `gone` says are no more; the same call where there are none. */
export function linksWithout(
  call: Call,
  gone: (address: string) => boolean,
  kind?: Kind,
): Call {
  if (!Object.values(call.links).some((link) => addresses(link).some(gone))) return call;
  const links = mapRecord(call.links, (link, input) => {
    const left = linkWithout(link, gone);
    if (left === undefined || left === link) return left;
    return settled(left, own(kind?.inputs ?? {}, input));
  });
  return { ...call, links };
}

export function linkWithout(link: Link, gone: (address: string) => boolean): Link | undefined {
  if (!addresses(link).some(gone)) return link;
  const left = addresses(link).filter((address) => !gone(address));
  return typeof link === "string" || left.length === 0 ? undefined : left;
}
