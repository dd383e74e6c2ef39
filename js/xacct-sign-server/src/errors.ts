import type { CallersErrorCode, RefusalCode } from "../wasm/constants.js";

/** What is wrong with how a verifier is made or called; stable, unlike the messages. */
export type ErrorCode =
  | CallersErrorCode
  | "insecure_url"
  | "invalid_argument"
  | "invalid_endpoint"
  | "invalid_option"
  | "wasm_unavailable";

/** What is wrong with how a verifier is made or called. */
export class XacctSignError extends Error {
  override readonly name: string = "XacctSignError";
  /** What is wrong. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** A request that is refused. The message is for the log: the client is told the status and no more. */
export class RefusedError extends Error {
  override readonly name: string = "RefusedError";
  /** Why; stable, unlike the message. */
  readonly code: RefusalCode;
  /** What the client is told: 401 without an identity, 403 on a route that is not the caller's, 503 where it could not be found out. */
  readonly status: 401 | 403 | 503;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;

  constructor(code: RefusalCode, status: 401 | 403 | 503, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.status = status;
    this.hint = hint;
  }
}

/** The message of whatever was thrown, with that of its cause. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `something else than an error (${typeof thrown})`;
  // Node's `fetch` says in the cause what it was.
  const { cause } = thrown;
  return cause instanceof Error && cause.message !== "" ? `${thrown.message}: ${cause.message}` : thrown.message;
}
