import { decodeBase64 } from "../../xacct-sign/src/host/base64.js";
import { PLACES } from "../wasm/constants.js";
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

/** How many are checked at once: Node has four threads for them, one of which is left to files and to names. */
const AT_ONCE = 3;

let running = 0;
/** The others, in the order in which they came: anybody can make up tokens with the id of a key that is known. */
const waiting: (() => void)[] = [];

/** Those that run or wait, by what they check: many requests may come with one new token. */
const underWay = new Map<string, Promise<boolean | undefined>>();

/**
 * Whether a signature is right; nothing where as many wait as may. Form and size of key and signature have been checked. It rejects where
 * WebCrypto fails. Who asks what is asked already takes no place, and hears the same. Where each request is one apart, none waits for
 * another: no threads are shared there.
 */
export function isRight(
  key: PublicJwk,
  message: string,
  signature: string,
  isEachAlone: boolean,
): Promise<boolean | undefined> {
  if (isEachAlone) return verified(key, message, signature);
  const name = JSON.stringify([key, message, signature]);
  const same = underWay.get(name);
  if (same !== undefined) return same;
  const check = inTurn(() => verified(key, message, signature)).finally(() => underWay.delete(name));
  underWay.set(name, check);
  return check;
}

async function inTurn(verified: () => Promise<boolean>): Promise<boolean | undefined> {
  if (running < AT_ONCE) running += 1;
  else if (waiting.length === PLACES) return undefined;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await verified();
  } finally {
    // The next one takes the place of this one.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

async function verified(key: PublicJwk, message: string, signature: string): Promise<boolean> {
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
