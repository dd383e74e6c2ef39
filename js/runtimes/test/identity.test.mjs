// Who calls, through the packed package: tokens of the emulator that jose verifies with the discovered keys, and the workers' entry.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { startWorkerd } from "../lib/edges.mjs";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp } from "../lib/run.mjs";

const AUDIENCE = "https://api.example.com";
const POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:GetWebIdentityToken", Resource: "*" }],
};

let folder;
let xacct;
let identity;
let emulator;
let about;
before(async () => {
  folder = await freshApp();
  const require = createRequire(join(folder, "main.mjs"));
  xacct = await import(pathToFileURL(join(folder, "package.mjs")).href);
  identity = await import(
    pathToFileURL(require.resolve("xacct-sign/identity").replace("identity.cjs", "identity.js")).href
  );
  const policy = join(emptyFolder(), "policy.json");
  writeFileSync(policy, JSON.stringify(POLICY));
  emulator = await startEmulator("--caller-policy", `shop=${policy}`);
  process.env.AWS_ENDPOINT_URL_STS = emulator.stsEndpoint;
  about = { audience: AUDIENCE, region: emulator.region, base: emulator.base };
});
after(async () => {
  delete process.env.AWS_ENDPOINT_URL_STS;
  await emulator?.stop();
});

const issuer = () => `${emulator.stsEndpoint}/issuers/000000000000`;

/** The keys, where the issuer says that they are. */
async function discovered() {
  const found = await (await fetch(`${issuer()}/.well-known/openid-configuration`)).json();
  assert.equal(found.issuer, issuer());
  return createRemoteJWKSet(new URL(found.jwks_uri));
}

for (const algorithm of ["ES384", "RS256"]) {
  test(`jose verifies a token of ${algorithm} with the discovered keys`, async () => {
    const token = await identity.identityToken({ ...about, algorithm })();
    const keys = await discovered();
    const expected = { issuer: issuer(), audience: AUDIENCE, algorithms: [algorithm] };
    const { payload } = await jwtVerify(token, keys, expected);
    assert.equal(payload.sub, "arn:aws:iam::000000000000:role/LambdaRoleDeve");
    assert.equal(Number(payload.exp) - Number(payload.iat), 300);
    await assert.rejects(jwtVerify(token, keys, { ...expected, audience: "https://other.example.com" }));
    const [head, claims, signature] = token.split(".");
    const tampered = `${head}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    await assert.rejects(jwtVerify(tampered, keys, expected), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });
  });
}

test("jose goes on after a rotation", async () => {
  const keys = await discovered();
  const before = await identity.identityToken(about)();
  assert.equal((await fetch(`${issuer()}/rotate`, { method: "POST" })).status, 200);
  const later = await identity.identityToken(about)();
  assert.notEqual(decodeProtectedHeader(before).kid, decodeProtectedHeader(later).kid);
  for (const token of [before, later]) await jwtVerify(token, keys, { issuer: issuer(), audience: AUDIENCE });
});

test("a server hears who calls, by token and by proof, from ESM and from CommonJS", async () => {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.end("ok");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const commonjs = createRequire(join(folder, "main.cjs"))("xacct-sign/identity");
  try {
    for (const { identityToken, identityProof } of [identity, commonjs]) {
      for (const said of [identityToken(about), identityProof(about)]) {
        const api = xacct.createFetch({ identity: said });
        assert.equal(await (await api(`http://127.0.0.1:${port}/`)).text(), "ok");
        assert.equal(seen.pop(), `Bearer ${await said()}`);
      }
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("the account's issuer is switched off", async () => {
  await fetch(`${issuer()}/disable`, { method: "POST" });
  try {
    await assert.rejects(identity.identityToken(about)(), {
      name: "XacctSignError",
      code: "sts_denied",
      awsCode: "OutboundWebIdentityFederationDisabledException",
    });
  } finally {
    await fetch(`${issuer()}/enable`, { method: "POST" });
  }
});

test("workerd, through miniflare", async () => {
  const worker = `import { identityProof } from "xacct-sign/identity";
    const base = { accessKeyId: "ASIAEXAMPLEEXAMPLE12", secretAccessKey: "secret", sessionToken: "token" };
    const proof = identityProof({ audience: "${AUDIENCE}", region: "us-east-1", base });
    export default { fetch: async () => new Response(await proof()) };`;
  writeFileSync(join(folder, "identity-worker.mjs"), worker);
  const miniflare = await startWorkerd(folder, "identity-worker.mjs");
  try {
    assert.match(await (await miniflare.dispatchFetch("http://worker.example/")).text(), /^xacct1\.[\w-]+$/);
  } finally {
    await miniflare.dispose();
  }
});
