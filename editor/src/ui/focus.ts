/** The focus as it was before something opened, so that a keyboard goes on from there. */

/** What has the focus; null where it is nobody's. */
export function focused(): HTMLElement | null {
  const now = document.activeElement;
  return now instanceof HTMLElement && now !== document.body ? now : null;
}

export function giveBack(element: HTMLElement | null) {
  if (element?.isConnected) element.focus({ preventScroll: true });
}
