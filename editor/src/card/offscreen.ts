/** Marks of nodes out of view: of a large graph, only what can be seen is painted. */

/** Pixels beyond the window's edge where painting begins, so that panning shows no empty nodes. */
const MARGIN = "300px";

const observer =
  "IntersectionObserver" in globalThis
    ? new IntersectionObserver(
        (entries) => {
          for (const { target, isIntersecting } of entries) {
            target.toggleAttribute("data-away", !isIntersecting);
          }
        },
        { rootMargin: MARGIN },
      )
    : null;

/** Mark an element while it is out of view; made to be a `ref`. */
export function watchAway(element: Element | null) {
  if (!element) return undefined;
  observer?.observe(element);
  return () => observer?.unobserve(element);
}
