import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { createPortal } from "react-dom";

import type { Offer } from "./offer";

interface OffersProps {
  readonly id: string;
  readonly label: string;
  readonly anchor: RefObject<HTMLInputElement | null>;
  readonly offers: readonly Offer[];
  readonly unfit: readonly Offer[];
  readonly at: number | null;
  readonly value: string;
  onPoint(at: number): void;
  onChoose(offer: Offer): void;
  onClose(): void;
}

/** The names that are offered, below their field (above it, where there is no room). */
export function Offers(props: OffersProps) {
  const { id, label, anchor, offers, unfit, at, value, onPoint, onChoose, onClose } = props;
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => place(list.current, anchor.current), [anchor, offers, unfit]);
  useLayoutEffect(() => {
    if (at !== null) document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [id, at]);
  useEffect(() => {
    // What moves the field away from its list closes that.
    const onWheel = ({ target }: Event) => !list.current?.contains(target as Node) && onClose();
    const stop = new AbortController();
    window.addEventListener("wheel", onWheel, { capture: true, passive: true, signal: stop.signal });
    window.addEventListener("resize", onClose, { signal: stop.signal });
    return () => stop.abort();
  });
  // Outside the node, which other nodes may cover.
  return createPortal(
    <div className="offers" ref={list} onPointerDown={(event) => event.preventDefault()}>
      <ul id={id} role="listbox" aria-label={label}>
        {offers.map((offer, place) => (
          <li
            key={offer.name}
            id={`${id}-${place}`}
            role="option"
            aria-selected={place === at}
            data-current={offer.name === value || undefined}
            onPointerMove={() => onPoint(place)}
            onClick={() => onChoose(offer)}
          >
            <span className="offer-name">{offer.name}</span>
            <span className="offer-hint">{offer.hint}</span>
          </li>
        ))}
      </ul>
      {unfit.length > 0 && (
        <section className="unfit" aria-label="Here, but of no use for this node">
          <h3>Of no use here</h3>
          {unfit.map(({ name, hint }) => (
            <p key={name}>
              <b>{name}</b> {hint}
            </p>
          ))}
        </section>
      )}
    </div>,
    document.body,
  );
}

function place(list: HTMLElement | null, field: HTMLElement | null) {
  if (!list || !field) return;
  const box = field.getBoundingClientRect();
  list.style.minWidth = `${box.width}px`;
  const { width, height } = list.getBoundingClientRect();
  const isBelow = box.bottom + 4 + height <= window.innerHeight - 4;
  list.style.left = `${Math.max(4, Math.min(box.left, window.innerWidth - width - 4))}px`;
  list.style.top = `${isBelow ? box.bottom + 4 : Math.max(4, box.top - height - 4)}px`;
}
