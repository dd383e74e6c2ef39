import { provideModule } from "./identity/module.js";
import module from "./xacct_sign_identity.wasm";

export * from "./identity/identity.js";

provideModule(() => module);
