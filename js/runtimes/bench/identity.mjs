// What the checks of who calls take: a new token with the issuer's keys at hand, against WebCrypto's bare check of the same signature and
// against jose doing the same; and a token that was checked before.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLocalJWKSet, jwtVerify } from "jose";
import { AUDIENCE, startIssuer } from "../lib/issuer.mjs";
import { freshServer } from "../lib/run.mjs";
import { inTurns } from "./turns.mjs";

/** Each is new once to a verifier. */
const TOKENS = 100;
const ROUNDS = 40;

/** What WebCrypto calls them. */
const WEB = {
  ES384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
};

/** Seconds a check, of both algorithms. */
export async function identity() {
  const folder = await freshServer();
  const entry = join(folder, "node_modules/xacct-sign-server/dist/index.js");
  const { createVerifier } = await import(pathToFileURL(entry).href);
  const found = {};
  for (const algorithm of Object.keys(WEB)) {
    const times = await checks(createVerifier, algorithm);
    for (const [name, seconds] of Object.entries(times)) found[`${name}_${algorithm}`] = seconds;
  }
  return found;
}

async function checks(createVerifier, algorithm) {
  const issuer = await startIssuer(algorithm);
  try {
    const keys = await (await fetch(`${issuer.issuer}/.well-known/jwks.json`)).json();
    const made = Array.from({ length: TOKENS }, (_, index) => issuer.token({ jti: `${index}`, tags: "x".repeat(300) }));
    const [known, ...tokens] = await Promise.all(made);
    const check = (verifier, token) => verifier.check(`Bearer ${token}`, "GET", "/items/1");
    /** One that has the keys, and knows one token. */
    const verifierWithKeys = async () => {
      const verifier = createVerifier({ callers: issuer.callers, development: true, log: () => {} });
      await check(verifier, known);
      return verifier;
    };
    const verify = await bareCheck(keys.keys[0], WEB[algorithm]);
    const set = createLocalJWKSet(keys);
    const options = { issuer: issuer.issuer, audience: AUDIENCE, algorithms: [algorithm] };
    const contenders = {
      identity: async () => {
        const verifier = await verifierWithKeys();
        return (token) => check(verifier, token);
      },
      identity_bare: async () => verify,
      identity_jose: async () => (token) => jwtVerify(token, set, options),
    };
    const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, contender] of Object.entries(contenders)) {
        const call = await contender();
        const start = process.hrtime.bigint();
        for (const token of tokens) await call(token);
        times[name].push(Number(process.hrtime.bigint() - start) / 1e9 / tokens.length);
      }
    }
    const verifier = await verifierWithKeys();
    const cached = { identity_cached: () => check(verifier, known) };
    // The threads that WebCrypto works on are everybody's: the best round counts.
    const best = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, Math.min(...list)]));
    return { ...best, ...(await inTurns(cached, { seconds: 0.002, rounds: 200 })) };
  } finally {
    issuer.stop();
  }
}

/** The check of a signature alone, by WebCrypto. */
async function bareCheck(jwk, algorithm) {
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  return async (token) => {
    const end = token.lastIndexOf(".");
    const [message, signature] = [Buffer.from(token.slice(0, end)), Buffer.from(token.slice(end + 1), "base64url")];
    if (!(await crypto.subtle.verify(algorithm, key, signature, message))) throw new Error("a signature is wrong");
  };
}
