/** The server's token, held by this browser tab. */

import { createStore } from "zustand/vanilla";

import { putText, tabKeep } from "../graph/session/browserStorage";

const KEY = "nodegraph.token";

interface TokenState {
  /** What the server asks for, kept as long as this browser tab is open; null: none was given. */
  token: string | null;
  /** The server refused the last request for want of the right one. */
  wanted: boolean;
}

/** The token of this tab. It is in no address, so it is in no history and no log. */
export const tokens = createStore<TokenState>(() => ({
  token: tabKeep().getItem(KEY),
  wanted: false,
}));

/** Use this token from now on. */
export function giveToken(token: string): void {
  putText(tabKeep(), KEY, token);
  tokens.setState({ token, wanted: false });
}

/** Remember that the server wants another token than the one it was sent. */
export function tokenRefused(): void {
  tokens.setState({ wanted: true });
}

/** The names that a websocket offers: browsers let a page send no header with one. */
export function protocolsFor(token: string | null): string[] {
  return token === null ? ["nodegraph.v1"] : ["nodegraph.v1", `token.${base64url(token)}`];
}

function base64url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
