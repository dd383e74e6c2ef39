import { provideModule } from "./module/wasm.js";
import module from "./xacct_sign.wasm?module";

export * from "./api.js";

provideModule(() => module);
