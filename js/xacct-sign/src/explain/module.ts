// The module of the diagnosis. Each entry says where its bytes come from.

import { initSync } from "../../wasm/explain/xacct_sign.js";
import { startOf } from "../module/start.js";

export { explain, sha256Hex, signedOf } from "../../wasm/explain/xacct_sign.js";

export const { provideModule, ready } = startOf(initSync);
