import type { ManifestErrorCode } from "../wasm/constants.js";

/** What is wrong; stable, unlike the messages. */
export type ErrorCode =
  | ManifestErrorCode
  | "as_caller_overlaps"
  | "caller_not_on_stage"
  | "callers_unusable"
  | "emulator_not_running"
  | "emulator_setup"
  | "invalid_option"
  | "manifest_unreadable"
  | "policy_unusable"
  | "port_unusable"
  | "target_not_served"
  | "unknown_caller"
  | "unknown_policy"
  | "unknown_stage"
  | "upstream_unusable"
  | "wasm_unavailable";

/** What is wrong with the manifest, with the options, or with what is asked of the emulator. */
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

/** @internal The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
