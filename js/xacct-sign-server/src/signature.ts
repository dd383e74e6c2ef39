import { decodeBase64 } from "../../xacct-sign/src/host/base64.js";
import type { PublicJwk } from "./module.js";

/** The one algorithm of each kind of key. */
const ALGORITHMS = {
  EC: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  RSA: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
} as const;

/** How many keys are kept as WebCrypto has them: more than there are, unless they are being changed all the time. */
const MANY = 1000;

/** Keys as WebCrypto has them, by what they are. */
const imported = new Map<string, Promise<CryptoKey>>();

/** Whether a signature is right. Form and size of key and signature have been checked. It rejects where WebCrypto fails. */
export async function isRight(key: PublicJwk, message: string, signature: string): Promise<boolean> {
  const bytes = new TextEncoder().encode(message);
  return crypto.subtle.verify(ALGORITHMS[key.kty], await importedKey(key), decodeBase64(signature), bytes);
}

function importedKey(key: PublicJwk): Promise<CryptoKey> {
  const name = JSON.stringify(key);
  const known = imported.get(name);
  if (known !== undefined) return known;
  if (imported.size >= MANY) imported.clear();
  const made = crypto.subtle.importKey("jwk", key as JsonWebKey, ALGORITHMS[key.kty], false, ["verify"]);
  imported.set(name, made);
  // One that failed may come right the next time: whoever waits for this one hears of it, and nobody else.
  made.catch(() => imported.delete(name));
  return made;
}
