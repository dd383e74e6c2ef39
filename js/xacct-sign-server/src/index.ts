import base64 from "inline:../wasm/xacct_sign_bg.wasm";
import { decodeBase64 } from "../../xacct-sign/src/host/base64.js";
import { provideModule } from "./module.js";
import { sendDirectly } from "./network/direct.js";
import { provideSend } from "./network/network.js";

export * from "./api.js";

provideModule(() => decodeBase64(base64));
provideSend(sendDirectly);
