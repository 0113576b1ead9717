/** Requests with the token of this tab; answers that refuse are thrown as errors. */

import { ServerError, errorOf } from "./errors";
import { tokenRefused, tokens } from "./token";

export interface Request {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON, unless it is a Blob. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Ask the server; what it answers with an error is thrown as one. */
export async function ask(path: string, request: Request = {}): Promise<Response> {
  const answer = await send(path, request);
  if (answer.ok) return answer;
  if (answer.status === 401) tokenRefused();
  throw errorOf(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** Ask the server for JSON. */
export async function askJson<T>(path: string, request: Request = {}): Promise<T> {
  return (await (await ask(path, request)).json()) as T;
}

/** An address with a query; what is undefined or null is left out. */
export function address(path: string, query: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  );
  const text = new URLSearchParams(pairs).toString();
  return text ? `${path}?${text}` : path;
}

async function send(path: string, { method = "GET", body, headers, signal }: Request): Promise<Response> {
  const plain = body === undefined || body instanceof Blob;
  try {
    return await fetch(path, {
      method,
      headers: {
        ...authorization(),
        ...(plain ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: plain ? (body as Blob) : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
      // No cookie is used: nothing that another page could send along unseen.
      credentials: "omit",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError(0, "unreachable", "the server cannot be reached");
  }
}

function authorization(): Record<string, string> {
  const { token } = tokens.getState();
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}
