/** The focus as it was before something opened, so that a keyboard goes on from there. */

/** The control that has the focus; null where it is nobody's, or the whole canvas's. */
export function focused(): HTMLElement | null {
  const now = document.activeElement;
  const isNobody = !(now instanceof HTMLElement) || now === document.body || now.matches(".canvas");
  return isNobody ? null : now;
}

export function giveBack(element: HTMLElement | null) {
  if (element?.isConnected) element.focus({ preventScroll: true });
}
