import { provideModule } from "./wasm.js";
import module from "./xacct_sign.wasm";

export * from "./api.js";

provideModule(() => module);
