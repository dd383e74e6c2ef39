// A module of its own beside that of the core, instantiated on first use.

import { messageOf, XacctSignError } from "../errors.js";

export type ModuleSource = () => WebAssembly.Module | BufferSource;

/** What an entry says where its module's bytes come from with, and what is called before anything of the module is. */
export interface Start {
  provideModule(from: ModuleSource): void;
  ready(): void;
}

/** A start of the module of these bindings. */
export function startOf(initSync: (given: { module: WebAssembly.Module }) => unknown): Start {
  let source: ModuleSource | undefined;
  let isReady = false;
  return {
    provideModule(from) {
      source = from;
    },
    ready() {
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
    },
  };
}
