export { CrossAccountApiAccess } from "./access.js";
export {
  type ErrorCode,
  type ErrorPlace,
  type ManifestErrorCode,
  type UsageErrorCode,
  XacctSignError,
} from "./errors.js";
export {
  type ApiCaller,
  type CallersProps,
  type CommonProps,
  type CrossAccountApiAccessProps,
  type ManifestProps,
  TrustForm,
} from "./props.js";
