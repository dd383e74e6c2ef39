export { type AssumeRoleOptions, assumeRole, type RoleProvider } from "./assume-role.js";
export { type SignableBody, UNSIGNED_PAYLOAD } from "./body.js";
export {
  type Credentials,
  type CredentialsInput,
  type CredentialsProvider,
  fromEnv,
  type ProvideOptions,
  type RoleCredentials,
} from "./credentials.js";
export { type ErrorCode, type ErrorDetails, XacctSignError } from "./errors.js";
export { type CreateFetchOptions, createFetch } from "./fetch.js";
export type { HeadersInput, HeaderValue } from "./headers.js";
export type { Fetch, HostAbortSignal, HostRequest } from "./platform.js";
export { type PresignOptions, Signer, type SignerOptions, type SignOptions } from "./signer.js";
export { canonicalUrl } from "./url.js";
