import base64 from "inline:../wasm/explain/xacct_sign_bg.wasm";
import { provideModule } from "./explain/module.js";
import { decodeBase64 } from "./host/base64.js";

export * from "./explain/explain.js";

provideModule(() => decodeBase64(base64));
