// The module of identities. Each entry says where its bytes come from.

import { initSync, origin, WasmRefresh, WasmRetry } from "../../wasm/identity/xacct_sign.js";
import { provideMachines } from "../module/machines.js";
import { type ModuleSource, startOf } from "../module/start.js";

export { makeProof, WasmToken } from "../../wasm/identity/xacct_sign.js";

const start = startOf(initSync);

export const { ready } = start;

export function provideModule(from: ModuleSource): void {
  start.provideModule(from);
  provideMachines({ ready, WasmRefresh, WasmRetry, origin });
}
