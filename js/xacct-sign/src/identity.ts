import base64 from "inline:../wasm/identity/xacct_sign_bg.wasm";
import { decodeBase64 } from "./host/base64.js";
import { provideModule } from "./identity/module.js";

export * from "./identity/identity.js";

provideModule(() => decodeBase64(base64));
