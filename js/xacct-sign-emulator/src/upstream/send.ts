// What goes to the API behind the gateway, and what comes back.

import type { Readable } from "node:stream";

/** A request that passed. Headers are names and values in turns. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

/** The answer's head, and its body as it comes. */
export interface Answered {
  readonly status: number;
  readonly headers: string[];
  /** How long the body is, if that is known. */
  readonly length: number | undefined;
  readonly body: Readable | undefined;
  /** What it is that the body fails with. */
  error(thrown: unknown): UpstreamError;
}

export type Send = (sent: Sent) => Promise<Answered>;

/** The upstream did not do. The message is what is known beyond that, for who wrote it. */
export class UpstreamError extends Error {
  constructor(
    readonly failure: "Connection" | "Timeout" | "TooLarge" | "Function",
    said = "",
  ) {
    super(said);
  }
}

/** What was thrown on the way to a server, if it is nothing else. */
export function upstreamError(thrown: unknown): UpstreamError {
  if (thrown instanceof UpstreamError) return thrown;
  // Where several addresses were tried, the message is empty.
  const { message, code } = (thrown ?? {}) as NodeJS.ErrnoException;
  return new UpstreamError("Connection", message || code || String(thrown));
}
