// What the provider crate says too: nothing else in this package says it again.

/** The service that requests are signed for: `HttpApi::SIGNING_NAME`. */
export const SERVICE = "execute-api";
/** The action that a route takes of its caller: `HttpApi::INVOKE`. */
export const INVOKE = "execute-api:Invoke";
/** The API's stage whose name is in no URL: `HttpApi::DEFAULT_STAGE`. */
export const DEFAULT_STAGE = "$default";
/** The name of a role's inline policy: `ProviderRole::INVOKE_POLICY_NAME`. */
export const POLICY_NAME = "InvokeApi";

/** How much a finding matters: `Level`. */
export type Level = "note" | "warning" | "error";

/** What is wrong with a manifest: the codes of `xacct-sign check`, see docs/provider.md. */
export type ManifestErrorCode =
  | "syntax"
  | "schema"
  | "invalid_account_id"
  | "invalid_region"
  | "invalid_role_name"
  | "invalid_duration"
  | "invalid_stage_name"
  | "invalid_caller_name"
  | "invalid_api_id"
  | "invalid_api_stage"
  | "duplicate_api"
  | "invalid_external_id"
  | "invalid_route"
  | "unknown_stage"
  | "duplicate_caller"
  | "role_name_collision"
  | "unused_caller"
  | "invalid_caller"
  | "invalid_trust"
  | "invalid_organization"
  | "invalid_session_name"
  | "invalid_tag_key"
  | "invalid_source_identity"
  | "invalid_quota"
  | "unknown_finding"
  | "invalid_lock"
  | "trust_policy_too_large"
  | "invoke_policy_too_large"
  | "caller_policy_too_large"
  | "role_name_too_long";
