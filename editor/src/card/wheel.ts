/** The wheel over what may scroll by itself: it scrolls where there is more to see, and else zooms the canvas. */

import type { WheelEvent } from "react";

/** What React Flow leaves the wheel to. */
const NO_WHEEL = "nowheel";

/** Made to be an `onWheelCapture`: decided as the wheel turns, before the canvas hears of it. */
export function scrollsItself({ currentTarget }: WheelEvent<HTMLElement>) {
  currentTarget.classList.toggle(NO_WHEEL, currentTarget.scrollHeight > currentTarget.clientHeight);
}
