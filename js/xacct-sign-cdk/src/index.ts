export { CrossAccountApiAccess } from "./access.js";
export {
  type ErrorCode,
  type ErrorPlace,
  type ManifestErrorCode,
  type UsageErrorCode,
  XacctSignError,
} from "./errors.js";
export {
  AccessForm,
  type ApiCaller,
  type ApiProps,
  type CallersProps,
  type CommonProps,
  type CrossAccountApiAccessProps,
  type FromManifest,
  type InCode,
  type ManifestProps,
  type NoApi,
  TrustForm,
} from "./props.js";
