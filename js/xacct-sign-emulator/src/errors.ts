import type { ManifestErrorCode } from "../wasm/constants.js";

/** What is wrong; stable, unlike the messages. */
export type ErrorCode =
  | ManifestErrorCode
  | "as_caller_overlaps"
  | "caller_not_on_stage"
  | "callers_unusable"
  | "emulator_not_running"
  | "emulator_setup"
  | "file_not_text"
  | "invalid_argument"
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

/**
 * What is wrong with the manifest, with the options, or with what is asked of the emulator. The message has code and hint in it: test runners
 * show nothing else.
 */
export class XacctSignError extends Error {
  override readonly name: string = "XacctSignError";
  /** What is wrong. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: { hint?: string | undefined; cause?: unknown } = {}) {
    const { hint } = details;
    super(
      `${message} (${hint === undefined ? code : `${code}: ${hint}`})`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.hint = hint;
  }
}

/** @internal What somebody gave, in a word: never what is in it. */
export function kindOf(given: unknown): string {
  if (given === undefined || given === null) return String(given);
  if (given instanceof Uint8Array) return "bytes";
  if (Array.isArray(given)) return "an array";
  return typeof given === "object" ? "an object" : `a ${typeof given}`;
}

/** @internal The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
