// SHA-256 of large bodies by the host: it is several times faster than WebAssembly there.

/** Bytes up to which the module hashes faster than a call to the host costs. */
export const SMALL_BODY = 8192;

import { builtin } from "./node.js";

interface Hash {
  update(bytes: Uint8Array): Hash;
  digest(encoding: "hex"): string;
}

interface NodeCrypto {
  createHash(name: "sha256"): Hash;
}

let nodeCrypto: NodeCrypto | null | undefined;

function hostCrypto(): NodeCrypto | null {
  if (nodeCrypto === undefined) nodeCrypto = builtin<NodeCrypto>("node:crypto") ?? null;
  return nodeCrypto;
}

/** Whether the host hashes what comes piece by piece. */
export function hasHostHash(): boolean {
  return hostCrypto() !== null;
}

/** The digest in hexadecimal, undefined where the host has no synchronous hash. */
export function hostHash(bytes: Uint8Array): string | undefined {
  return hostCrypto()?.createHash("sha256").update(bytes).digest("hex");
}

/** The digest in hexadecimal of what a stream brings, where `hasHostHash`. */
export async function hostHashOfStream(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = (hostCrypto() as NodeCrypto).createHash("sha256");
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) hash.update(part.value);
  return hash.digest("hex");
}

/** The digest in hexadecimal by the fastest means, undefined where there is none but the module. */
export async function hostHashAsync(bytes: Uint8Array): Promise<string | undefined> {
  const hash = hostHash(bytes);
  // A page on plain http has no crypto.subtle.
  if (hash !== undefined || globalThis.crypto?.subtle === undefined) return hash;
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
