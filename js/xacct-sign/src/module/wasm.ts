// The module of the core, instantiated on first use. Each entry says where its bytes come from.

import { initSync, origin, WasmRefresh, WasmRetry } from "../../wasm/xacct_sign.js";
import { messageOf, XacctSignError } from "../errors.js";
import { provideMachines } from "./machines.js";

export {
  canonicalUrl,
  checkReachable,
  checkScope,
  origin,
  sha256Hex,
  WasmAssumeRole,
  WasmSigner,
} from "../../wasm/xacct_sign.js";

type ModuleSource = () => WebAssembly.Module | BufferSource;

let source: ModuleSource | undefined;
let isReady = false;

/** Says where the module comes from. */
export function provideModule(from: ModuleSource): void {
  source = from;
  provideMachines({ ready, WasmRefresh, WasmRetry, origin });
}

/** To be called before anything of the module is. */
export function ready(): void {
  if (!isReady) start();
}

function start(): void {
  if (source === undefined) {
    throw new XacctSignError("wasm_unavailable", "the WebAssembly module was not given", {
      hint: 'with "xacct-sign/slim", call init(module) first',
    });
  }
  try {
    initSync({ module: moduleOf(source()) });
  } catch (cause) {
    throw new XacctSignError("wasm_unavailable", `the WebAssembly module cannot be loaded: ${messageOf(cause)}`, {
      cause,
      hint:
        "a page with a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src; on Workers the bundler must use " +
        'the "workerd" condition; elsewhere import "xacct-sign/slim" and call init() with a compiled WebAssembly.Module',
    });
  }
  isReady = true;
}

function moduleOf(given: WebAssembly.Module | BufferSource): WebAssembly.Module {
  const isModule = Object.prototype.toString.call(given) === "[object WebAssembly.Module]";
  if (!isModule) return new WebAssembly.Module(given as BufferSource);
  // Edge runtimes hand in modules of another realm: usable here, but nothing that bindgen's `instanceof` knows.
  if (!(given instanceof WebAssembly.Module)) Object.setPrototypeOf(given, WebAssembly.Module.prototype);
  return given as WebAssembly.Module;
}
