// The module of the diagnosis, instantiated on first use. Each entry says where its bytes come from.

import { initSync } from "../../wasm/explain/xacct_sign.js";
import { messageOf, XacctSignError } from "../errors.js";

export { explain, sha256Hex, signedOf } from "../../wasm/explain/xacct_sign.js";

type ModuleSource = () => WebAssembly.Module | BufferSource;

let source: ModuleSource | undefined;
let isReady = false;

/** Says where the module comes from. */
export function provideModule(from: ModuleSource): void {
  source = from;
}

/** To be called before anything of the module is. */
export function ready(): void {
  if (isReady || source === undefined) return;
  try {
    const given = source();
    const isModule = Object.prototype.toString.call(given) === "[object WebAssembly.Module]";
    const module = isModule ? (given as WebAssembly.Module) : new WebAssembly.Module(given as BufferSource);
    // Edge runtimes hand in modules of another realm: usable here, but nothing that bindgen's `instanceof` knows.
    if (!(module instanceof WebAssembly.Module)) Object.setPrototypeOf(module, WebAssembly.Module.prototype);
    initSync({ module });
  } catch (cause) {
    throw new XacctSignError("wasm_unavailable", `the WebAssembly module cannot be loaded: ${messageOf(cause)}`, {
      cause,
      hint: "a page with a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src",
    });
  }
  isReady = true;
}
