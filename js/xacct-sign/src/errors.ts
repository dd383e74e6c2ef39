import type { CoreErrorCode } from "../wasm/constants.js";

/** What went wrong, the same code in every language; `wasm_unavailable` is JavaScript's own. */
export type ErrorCode = CoreErrorCode | "wasm_unavailable";

/** What an error says beside its message. */
export interface ErrorDetails {
  hint?: string | undefined;
  cause?: unknown;
  retryable?: boolean | undefined;
  action?: string | undefined;
  awsCode?: string | undefined;
  status?: number | undefined;
  requestId?: string | undefined;
}

/** What marks our errors, those of another copy of this package too: a program may hold it as ESM and as CommonJS. */
const BRAND = Symbol.for("xacct-sign.error");

/** The one error of this package. An abort comes through as the signal's own reason. */
export class XacctSignError extends Error {
  override readonly name: string = "XacctSignError";
  /** What went wrong; stable, unlike the message. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The call of STS that failed, such as `AssumeRole`; undefined where it is not STS that failed. */
  readonly action: string | undefined;
  /** The code in STS's answer, such as `AccessDenied`. */
  readonly awsCode: string | undefined;
  /** The HTTP status of STS's answer. */
  readonly status: number | undefined;
  /** STS's request id, for AWS's support. */
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint ?? undefined;
    this.retryable = details.retryable ?? false;
    this.action = details.action ?? undefined;
    this.awsCode = details.awsCode ?? undefined;
    this.status = details.status ?? undefined;
    this.requestId = details.requestId ?? undefined;
  }

  /** @internal */
  get [BRAND](): true {
    return true;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that is derived from this one has instances of its own. Its name is not written here: bundlers would give the class
    // another one, which is shown where nobody catches it.
    // biome-ignore lint/complexity/noThisInStatic: that class is what `this` is then
    if (!Object.hasOwn(this, Symbol.hasInstance)) return super[Symbol.hasInstance](value);
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

/** @internal The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message);
  return typeof thrown === "string" ? thrown : `something else than an error (${typeof thrown})`;
}
