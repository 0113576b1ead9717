/** Refusals of the server as errors, whose message is a sentence for the user. */

import type { Problem, Refusal } from "./types";

/** Why a request did not do what it should; `message` is a sentence for the user. */
export class ServerError extends Error {
  override readonly name = "ServerError";

  constructor(
    /** HTTP's number; 0 where no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly problems: readonly Problem[] = [],
    /** Seconds after which it may work. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

/** The error that an answer tells, also where something between us and the server gave it. */
export function errorOf(status: number, text: string, retryAfter: string | null): ServerError {
  const wait = retryAfter === null ? null : Number(retryAfter);
  const seconds = wait !== null && Number.isFinite(wait) ? wait : null;
  const body = bodyOf(text);
  if (!body) return new ServerError(status, "unknown", `the server answered ${status}`, [], seconds);
  const { code, message, problems } = body.error;
  return new ServerError(status, code, message, problems ?? [], seconds);
}

/** What to tell the user about anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function bodyOf(text: string): Refusal | null {
  try {
    const body = JSON.parse(text) as Partial<Refusal> | null;
    return typeof body?.error?.message === "string" ? (body as Refusal) : null;
  } catch {
    return null;
  }
}
