// Tokens that jose made, at `xacct-sign-server` as it is packed: taken when all of it is right, refused when one thing is not.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { AUDIENCE, startIssuer } from "../lib/issuer.mjs";
import { freshServer } from "../lib/run.mjs";

const NOW = Math.floor(Date.now() / 1000);
const ALGORITHMS = /** @type {const} */ (["ES384", "RS256"]);
const STS = "https://sts.amazonaws.com/";
const ROLE = "arn:aws:iam::000000000000:role/LambdaRoleProd";
/** Where nobody listens. */
const NOBODY = "http://127.0.0.1:1/issuers/000000000000";

let createVerifier;
let issuers;
/** Of the same name as the first, with keys of its own. */
let strangers;
before(async () => {
  const entry = join(await freshServer(), "node_modules/xacct-sign-server/dist/index.js");
  ({ createVerifier } = await import(pathToFileURL(entry).href));
  issuers = await Promise.all(ALGORITHMS.map((algorithm) => startIssuer(algorithm)));
  strangers = await Promise.all(ALGORITHMS.map((algorithm) => startIssuer(algorithm)));
});
after(() => {
  for (const issuer of [...(issuers ?? []), ...(strangers ?? [])]) issuer.stop();
});

/**
 * What is changed in claims and header, and the code; none where it is taken.
 *
 * @type {[string, object, object, string?][]}
 */
const ROWS = [
  ["all of it right", {}, {}],
  ["issuer: another", { iss: NOBODY }, {}, "issuer_unknown"],
  ["issuer: none", { iss: undefined }, {}, "claims_malformed"],
  ["subject: another role", { sub: `${ROLE}2` }, {}, "caller_unknown"],
  ["subject: a user", { sub: "arn:aws:iam::000000000000:user/LambdaRoleProd" }, {}, "subject_refused"],
  ["subject: of another account", { sub: ROLE.replace("000000000000", "222222222222") }, {}, "account_differs"],
  ["subject: none", { sub: undefined }, {}, "claims_malformed"],
  ["audience: an array of one", { aud: [AUDIENCE] }, {}],
  ["audience: another", { aud: "https://other.example.com" }, {}, "audience_refused"],
  ["audience: ours and another", { aud: [AUDIENCE, "https://other.example.com"] }, {}, "audience_refused"],
  ["audience: none", { aud: undefined }, {}, "claims_malformed"],
  ["expiry: in a second", { iat: NOW - 299, exp: NOW + 1 }, {}],
  ["expiry: now", { iat: NOW - 300, exp: NOW }, {}, "token_expired"],
  ["expiry: beyond what the list allows", { exp: NOW + 3601 }, {}, "lifetime_refused"],
  ["expiry: none", { exp: undefined }, {}, "claims_malformed"],
  ["issued-at: a minute ahead", { iat: NOW + 60 }, {}],
  ["issued-at: more than a minute ahead", { iat: NOW + 61 }, {}, "token_ahead"],
  ["issued-at: no number", { iat: String(NOW), exp: NOW + 300 }, {}, "claims_malformed"],
  ["kid: of no key", {}, { kid: "another" }, "key_unknown"],
  ["kid: a path", {}, { kid: "../EC384_0" }, "key_id_malformed"],
  ["kid: none", {}, { kid: undefined }, "key_id_malformed"],
  ["account: another", { [STS]: { aws_account: "222222222222" } }, {}, "account_differs"],
  ["account: none", { [STS]: {} }, {}, "claims_malformed"],
];

for (const [index, algorithm] of ALGORITHMS.entries()) {
  const verifierOf = (changes = {}) => {
    const callers = { ...issuers[index].callers, ...changes };
    return createVerifier({ callers, development: true, log: () => {}, now: () => new Date(NOW * 1000) });
  };
  const assertComesTo = async (verifier, token, code) => {
    const check = verifier.check(`Bearer ${token}`, "GET", "/items/1");
    if (code === undefined) assert.equal((await check).name, "shop");
    else await assert.rejects(check, { name: "RefusedError", code, status: 401 });
  };
  /** A good token, but for what is changed. */
  const made = (maker, changes = {}, header = {}) => maker.token({ iat: NOW, ...changes }, header);

  for (const [name, changes, header, code] of ROWS) {
    test(`${algorithm}, ${name}`, async () => {
      const verifier = verifierOf();
      await assertComesTo(verifier, await made(issuers[index], changes, header), code);
      // Also once the keys are at hand.
      await assertComesTo(verifier, await made(issuers[index]));
      await assertComesTo(verifier, await made(issuers[index], changes, header), code);
    });
  }

  test(`${algorithm}, signature: of another key with the same id`, async () => {
    const stranger = await made(strangers[index], { iss: issuers[index].issuer });
    await assertComesTo(verifierOf(), stranger, "signature_wrong");
  });

  test(`${algorithm}, signature: of other claims`, async () => {
    const [good, other] = await Promise.all([made(issuers[index]), made(issuers[index], { jti: "2" })]);
    const signature = (token) => token.slice(token.lastIndexOf("."));
    await assertComesTo(verifierOf(), good.replace(signature(good), signature(other)), "signature_wrong");
    await assertComesTo(verifierOf(), good.replace(signature(good), ".AAAA"), "signature_malformed");
    await assertComesTo(verifierOf(), good.replace(signature(good), "."), "signature_malformed");
  });

  test(`${algorithm}, where the list has the other algorithm`, async () => {
    const verifier = verifierOf({ algorithm: ALGORITHMS.find((other) => other !== algorithm) });
    await assertComesTo(verifier, await made(issuers[index]), "algorithm_refused");
  });
}
