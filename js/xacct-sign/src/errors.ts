/** What went wrong, the same code in every language; `wasm_unavailable` is JavaScript's own. */
export type ErrorCode =
  | "invalid_url"
  | "invalid_method"
  | "invalid_header"
  | "invalid_body"
  | "invalid_region"
  | "invalid_service"
  | "invalid_credentials"
  | "invalid_time"
  | "invalid_expires_in"
  | "unsigned_payload"
  | "invalid_role_arn"
  | "invalid_session_name"
  | "invalid_duration"
  | "invalid_external_id"
  | "invalid_session_policy"
  | "invalid_tag"
  | "invalid_source_identity"
  | "invalid_mfa"
  | "partition_mismatch"
  | "unknown_partition"
  | "invalid_endpoint"
  | "invalid_option"
  | "insecure_url"
  | "origin_mismatch"
  | "credentials_not_found"
  | "assume_role_denied"
  | "assume_role_invalid"
  | "assume_role_expired"
  | "assume_role_credentials"
  | "assume_role_throttled"
  | "assume_role_failed"
  | "invalid_response"
  | "response_too_large"
  | "transport"
  | "timeout"
  | "too_many_redirects"
  | "http_status"
  | "wasm_unavailable";

/** What an error says beside its message. */
export interface ErrorDetails {
  hint?: string | undefined;
  cause?: unknown;
  retryable?: boolean | undefined;
  awsCode?: string | undefined;
  status?: number | undefined;
  requestId?: string | undefined;
}

/** The one error of this package. An abort comes through as the signal's own reason. */
export class XacctSignError extends Error {
  override readonly name: string = "XacctSignError";
  /** What went wrong; stable, unlike the message. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
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
    this.awsCode = details.awsCode ?? undefined;
    this.status = details.status ?? undefined;
    this.requestId = details.requestId ?? undefined;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message);
  return typeof thrown === "string" ? thrown : `something else than an error (${typeof thrown})`;
}
