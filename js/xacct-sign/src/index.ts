import base64 from "inline:../wasm/xacct_sign_bg.wasm";
import { decodeBase64 } from "./host/base64.js";
import { provideModule } from "./module/wasm.js";

export * from "./api.js";

provideModule(() => decodeBase64(base64));
