import { provideModule } from "./module.js";
import module from "./xacct_sign_server.wasm";

export * from "./api.js";

provideModule(() => module);
