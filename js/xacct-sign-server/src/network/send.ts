// What sends a request, whichever client it is.

/** A request to be sent. */
export interface Outgoing {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** `host` is among them where it is not that of the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether it must not go to a private address. */
  readonly isPublicOnly: boolean;
}

/** What came. */
export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

/**
 * Sends a request, and reads its answer; of one that is too long it reads a little more than may be read. Follows no redirect. Rejects
 * where there is no answer.
 */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<Answer>;
