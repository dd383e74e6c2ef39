// SHA-256 of large bodies by the host: it is several times faster than WebAssembly there.

/** Bytes up to which the module hashes faster than a call to the host costs. */
export const SMALL_BODY = 8192;

interface NodeCrypto {
  createHash(name: "sha256"): { update(bytes: Uint8Array): { digest(encoding: "hex"): string } };
}

interface NodeProcess {
  getBuiltinModule?(name: "node:crypto"): NodeCrypto | undefined;
}

let nodeCrypto: NodeCrypto | null | undefined;

/** The digest in hexadecimal, undefined where the host has no synchronous hash. */
export function hostHash(bytes: Uint8Array): string | undefined {
  if (nodeCrypto === undefined) {
    const { process } = globalThis as { process?: NodeProcess };
    nodeCrypto = process?.getBuiltinModule?.("node:crypto") ?? null;
  }
  return nodeCrypto?.createHash("sha256").update(bytes).digest("hex");
}

/** The digest in hexadecimal by the fastest means, undefined where there is none but the module. */
export async function hostHashAsync(bytes: Uint8Array): Promise<string | undefined> {
  const hash = hostHash(bytes);
  // A page on plain http has no crypto.subtle.
  if (hash !== undefined || globalThis.crypto?.subtle === undefined) return hash;
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
