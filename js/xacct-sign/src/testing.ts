// For this package's own tests; no part of the package.

import base64 from "inline:../wasm/xacct_sign_bg.wasm";
import { guarded } from "./errors.js";
import { decodeBase64, provideModule, ready, trace as traceOf } from "./wasm.js";

provideModule(() => decodeBase64(base64));

/** Every stage of a signature, under explicit settings. */
export function trace(input: unknown): unknown {
  ready();
  return guarded(() => traceOf(input));
}
