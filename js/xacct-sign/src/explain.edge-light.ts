import { provideModule } from "./explain/module.js";
import module from "./xacct_sign_explain.wasm?module";

export * from "./explain/explain.js";

provideModule(() => module);
