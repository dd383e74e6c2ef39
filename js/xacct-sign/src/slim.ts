import { XacctSignError } from "./errors.js";
import { provideModule, ready } from "./module/wasm.js";

export * from "./api.js";

/**
 * Gives the WebAssembly module, `xacct-sign/xacct_sign.wasm`: compiled, or its bytes. To be called once, before anything else.
 *
 * @throws XacctSignError `wasm_unavailable`
 */
export function init(module: object): void {
  if (typeof module !== "object" || module === null) {
    throw new XacctSignError("wasm_unavailable", "the WebAssembly module is none", {
      hint: "give a WebAssembly.Module or the bytes of one",
    });
  }
  provideModule(() => module as WebAssembly.Module | BufferSource);
  ready();
}
