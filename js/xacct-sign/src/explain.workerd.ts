import { provideModule } from "./explain/module.js";
import module from "./xacct_sign_explain.wasm";

export * from "./explain/explain.js";

provideModule(() => module);
