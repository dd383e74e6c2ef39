export { assumeRole, type RoleProvider } from "./credentials/assume-role.js";
export { fromContainer } from "./credentials/container.js";
export {
  type Credentials,
  type CredentialsInput,
  type CredentialsProvider,
  fromEnv,
  type ProvideOptions,
  type RoleCredentials,
} from "./credentials/credentials.js";
export type { AssumeRoleOptions } from "./credentials/role-options.js";
export { type ErrorCode, type ErrorDetails, XacctSignError } from "./errors.js";
export type {
  ClockSkewEvent,
  OnEvent,
  PlainHttpEvent,
  RefreshedEvent,
  RefreshFailedEvent,
  RequestEvent,
  TokenFailedEvent,
  TokenMadeEvent,
  XacctSignEvent,
} from "./events.js";
export { type CreateFetchOptions, createFetch } from "./fetch/fetch.js";
export type { Fetch, HostAbortSignal, HostRequest } from "./host/platform.js";
export { type SignableBody, UNSIGNED_PAYLOAD } from "./signing/body.js";
export type { HeadersInput, HeaderValue } from "./signing/headers.js";
export { type PresignOptions, Signer, type SignerOptions, type SignOptions } from "./signing/signer.js";
export { canonicalUrl } from "./url.js";
