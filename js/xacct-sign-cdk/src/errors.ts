import type { ManifestErrorCode } from "../wasm/constants.js";

export type { ManifestErrorCode };

/** What is wrong with how the construct is used. */
export type UsageErrorCode =
  | "invalid_props"
  | "unresolved_token"
  | "manifest_unreadable"
  | "file_not_text"
  | "account_mismatch"
  | "region_mismatch"
  | "api_mismatch"
  | "alias_mismatch"
  | "url_not_iam"
  | "policy_out_of_reach"
  | "routes_hidden"
  | "route_not_iam"
  | "route_not_found"
  | "nothing_to_render"
  | "not_one_role"
  | "unknown_caller";

/** Every code; stable, unlike the messages. */
export type ErrorCode = ManifestErrorCode | UsageErrorCode;

/** Where in a file it is. */
export interface ErrorPlace {
  /** The manifest or its lock file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

/** The one error of this package. */
export class XacctSignError extends Error {
  override readonly name: string = "XacctSignError";
  /** What went wrong. */
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string;
  /** Where it is, if it is in a file. */
  readonly place?: ErrorPlace;

  constructor(code: ErrorCode, message: string, hint: string, details: { place?: ErrorPlace; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = hint;
    if (details.place) this.place = details.place;
  }
}
