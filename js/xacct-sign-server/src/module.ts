// The module of the identity crate, instantiated on first use. Each entry says where its bytes come from.

import type { RefusalCode } from "../wasm/constants.js";
import {
  initSync,
  isPublicAddress,
  pathsOf,
  stsEndpoint,
  tooBusy,
  type WasmCheck,
  WasmRetry,
  WasmVerifier,
} from "../wasm/xacct_sign.js";
import type { Caller } from "./caller.js";
import { type ErrorCode, messageOf, XacctSignError } from "./errors.js";

export { isPublicAddress, pathsOf, tooBusy, type WasmCheck, WasmRetry, type WasmVerifier };

/** What a check has come to: the same as in crates/server-wasm/src/step.rs. */
export type Step =
  | { readonly step: "passed"; readonly caller: Caller }
  | RefusedStep
  | KeysStep
  | { readonly step: "signature"; readonly key: PublicJwk; readonly message: string; readonly signature: string }
  | StsStep
  | { readonly step: "wait"; readonly place: string; readonly on: string };

/** It is refused. */
export interface RefusedStep {
  readonly step: "refused";
  readonly code: RefusalCode;
  readonly status: 401 | 403 | 503;
  readonly message: string;
  readonly hint?: string;
}

/** The keys of an issuer are needed. */
export interface KeysStep {
  readonly step: "keys";
  readonly url: string;
  /** Whether it is an issuer for development: a real one is never at a private address. */
  readonly isDevelopment: boolean;
  /** Whether the keys at hand still serve. */
  readonly isEarly: boolean;
  /** What others may wait for: the same for all that do. */
  readonly on: string;
}

/** STS's answer is needed. */
interface StsStep {
  readonly step: "sts";
  readonly url: string;
  readonly headers: readonly [string, string][];
  readonly body: string;
  /** As in a {@link KeysStep}. */
  readonly on: string;
}

/** A public key, as WebCrypto takes it. */
export interface PublicJwk {
  readonly kty: "EC" | "RSA";
  readonly [member: string]: string;
}

type ModuleSource = () => WebAssembly.Module | BufferSource;

let source: ModuleSource | undefined;
let isReady = false;

/** Says where the module comes from. */
export function provideModule(from: ModuleSource): void {
  source = from;
}

/**
 * The verifier of a `callers.json`.
 *
 * @throws XacctSignError of one of the codes of `callers.json`; `wasm_unavailable`
 */
export function verifierOf(callers: Uint8Array, isDevelopment: boolean): WasmVerifier {
  ready();
  return rethrown(() => new WasmVerifier(callers, isDevelopment));
}

/**
 * Where STS is asked, given a URL for it.
 *
 * @throws XacctSignError `invalid_endpoint`, `insecure_url`
 */
export function stsEndpointOf(url: string): URL {
  return new URL(rethrown(() => stsEndpoint(url)));
}

/** What the module throws in lines becomes an error; the rest are faults. */
export function rethrown<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (typeof thrown !== "string") throw thrown;
    const [code, hint, ...message] = thrown.split("\n");
    throw new XacctSignError(code as ErrorCode, message.join("\n"), { hint: hint || undefined });
  }
}

function ready(): void {
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
      hint: 'on Workers the bundler must use the "workerd" condition',
    });
  }
  isReady = true;
}
