// What every entry's module has: when something is fetched again, when STS is asked again, what an origin is.

import { XacctSignError } from "../errors.js";

/** When what was fetched is fetched again; see `crates/wasm/src/refresh.rs`. */
export interface Refresh {
  poll(now: number): number;
  succeeded(expiresAt: number, now: number): void;
  failed(now: number): boolean;
  abandoned(): void;
}

/** The tries of one call of STS; see `crates/wasm/src/retry.rs`. */
export interface Retry {
  failed(isThrottled: boolean): number;
}

/** A module, to be made ready before anything of it is called. */
export interface Machines {
  ready(): void;
  readonly WasmRefresh: new (seed: number) => Refresh;
  readonly WasmRetry: new (seed: number) => Retry;
  origin(url: string): string;
}

let provided: Machines | undefined;

/** Says which module the bundle has. */
export function provideMachines(machines: Machines): void {
  provided = machines;
}

function machines(): Machines {
  if (provided !== undefined) {
    provided.ready();
    return provided;
  }
  throw new XacctSignError("wasm_unavailable", "the WebAssembly module was not given", {
    hint: 'with "xacct-sign/slim", call init(module) first',
  });
}

/** @throws XacctSignError `wasm_unavailable` */
export function newRefresh(): Refresh {
  return new (machines().WasmRefresh)(randomSeed());
}

/** @throws XacctSignError `wasm_unavailable` */
export function newRetry(): Retry {
  return new (machines().WasmRetry)(randomSeed());
}

/** Scheme, host and port, to be compared. Throws what the module throws. */
export function originOf(url: string): string {
  return machines().origin(url);
}

/** A number that differs among processes and calls, for what the module draws. */
function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
