import { provideModule } from "./wasm.js";
import module from "./xacct_sign.wasm?module";

export * from "./api.js";

provideModule(() => module);
