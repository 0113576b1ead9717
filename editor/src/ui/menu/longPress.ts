/** Long presses: a finger that rests on something opens its menu, as the right button of a mouse does. */

/** Milliseconds that it rests, and pixels that it may tremble. */
const LONG = 500;
const NEAR = 10;

/** Listen to an element; made to be a `ref`. Not every browser tells a long press by itself. */
export function watchLongPress(element: HTMLElement | null) {
  if (!element) return undefined;
  let begun: Touch | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let opened = false;
  const forget = () => {
    clearTimeout(timer);
    begun = null;
  };
  const onStart = ({ touches }: TouchEvent) => {
    forget();
    opened = false;
    const [touch] = touches;
    if (!touch || touches.length > 1) return;
    begun = touch;
    timer = setTimeout(() => {
      opened = true;
      askMenu(touch);
    }, LONG);
  };
  const onMove = ({ touches }: TouchEvent) => {
    const [touch] = touches;
    if (begun && touch && isFar(begun, touch)) forget();
  };
  const onEnd = (event: TouchEvent) => {
    forget();
    // Taking the finger up must not press what has opened below it.
    if (opened && event.cancelable) event.preventDefault();
  };
  const stop = new AbortController();
  const { signal } = stop;
  // Before the library's listeners, which keep touches to themselves.
  element.addEventListener("touchstart", onStart, { capture: true, passive: true, signal });
  element.addEventListener("touchmove", onMove, { capture: true, passive: true, signal });
  element.addEventListener("touchend", onEnd, { capture: true, signal });
  element.addEventListener("touchcancel", forget, { capture: true, signal });
  return () => {
    forget();
    stop.abort();
  };
}

function isFar(begun: Touch, now: Touch): boolean {
  return Math.hypot(begun.clientX - now.clientX, begun.clientY - now.clientY) > NEAR;
}

function askMenu({ target, clientX, clientY }: Touch) {
  const event = new MouseEvent("contextmenu", { bubbles: true, cancelable: true, clientX, clientY });
  target.dispatchEvent(event);
}
