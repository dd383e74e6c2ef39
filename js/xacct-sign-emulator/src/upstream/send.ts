// What goes to the API behind the gateway, and what comes back.

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
  readonly body: AsyncIterable<Uint8Array> | undefined;
  /** The body is not wanted. */
  drop(): void;
}

export type Send = (sent: Sent) => Promise<Answered>;

/** The upstream did not do. */
export class UpstreamError extends Error {
  constructor(readonly failure: "TooLarge" | "Connection") {
    super(failure);
  }
}
