// Caller and server, both packed, with the emulator between them: its tokens, its proofs, and those that the AWS SDK fetches.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { GetWebIdentityTokenCommand, STSClient } from "@aws-sdk/client-sts";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp, freshServer } from "../lib/run.mjs";

const AUDIENCE = "https://api.example.com";
const POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:GetWebIdentityToken", Resource: "*" }],
};

let emulator;
let xacct;
let identity;
let url;
let about;
const logged = [];
const servers = [];
let aheadSeconds = 0;
before(async () => {
  const policy = join(emptyFolder(), "policy.json");
  writeFileSync(policy, JSON.stringify(POLICY));
  const [started, caller, server] = await Promise.all([
    startEmulator("--caller-policy", `shop=${policy}`),
    freshApp(),
    freshServer(),
  ]);
  emulator = started;
  const entry = (folder, file) => import(pathToFileURL(join(folder, "node_modules", file)).href);
  xacct = await entry(caller, "xacct-sign/dist/index.js");
  identity = await entry(caller, "xacct-sign/dist/identity.js");
  const { createVerifier } = await entry(server, "xacct-sign-server/dist/index.js");
  process.env.AWS_ENDPOINT_URL_STS = emulator.stsEndpoint;
  about = { audience: AUDIENCE, region: emulator.region, base: emulator.base };
  const issuer = `${emulator.stsEndpoint}/issuers/000000000000`;
  const shop = { name: "shop", account: "000000000000", role: "LambdaRoleDeve", issuer, routes: ["GET /items/{id}"] };
  const callers = {
    version: 1,
    stage: "deve",
    target: "server",
    partition: "aws",
    audience: AUDIENCE,
    algorithm: "ES384",
    max_duration_seconds: 3600,
    regions: [emulator.region],
    dev_issuers: [issuer],
    callers: [shop],
  };
  const now = () => new Date(Date.now() + aheadSeconds * 1000);
  const verifier = createVerifier({ callers, development: true, log: ({ code }) => logged.push(code), now });
  const middleware = verifier.middleware();
  const api = createServer((request, response) => {
    middleware(request, response, () => response.end(JSON.stringify(/** @type {any} */ (request).caller)));
  });
  servers.push(api);
  api.listen(0, "127.0.0.1");
  await once(api, "listening");
  url = `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (api.address()).port}`;
});
after(async () => {
  delete process.env.AWS_ENDPOINT_URL_STS;
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await emulator?.stop();
});

/** @param {() => Promise<string>} said */
const calling = (said) => xacct.createFetch({ identity: said });

test("a token lets its caller in, on its routes alone", async () => {
  const api = calling(identity.identityToken(about));
  const answer = await api(`${url}/items/1`);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    name: "shop",
    account: "000000000000",
    arn: "arn:aws:iam::000000000000:role/LambdaRoleDeve",
    role: "LambdaRoleDeve",
    via: "token",
  });
  assert.equal((await api(`${url}/admin`)).status, 403);
  assert.equal((await api(`${url}/items/1`, { method: "DELETE" })).status, 403);
});

test("a proof does, too", async () => {
  const answer = await calling(identity.identityProof(about))(`${url}/items/1`);
  assert.equal(answer.status, 200);
  const { name, session, via } = /** @type {any} */ (await answer.json());
  assert.deepEqual({ name, session, via }, { name: "shop", session: "shop", via: "proof" });
});

test("what is made for another server does not", async () => {
  const other = { ...about, audience: "https://other.example.com" };
  for (const [said, code] of [
    [identity.identityToken(other), "audience_refused"],
    [identity.identityProof(other), "proof_refused"],
  ]) {
    assert.equal((await calling(said)(`${url}/items/1`)).status, 401);
    assert.equal(logged.at(-1), code);
  }
});

test("the AWS SDK's token is one", async () => {
  const sts = new STSClient({ region: emulator.region, endpoint: emulator.stsEndpoint, credentials: emulator.base });
  const command = new GetWebIdentityTokenCommand({ Audience: [AUDIENCE], SigningAlgorithm: "ES384" });
  const { WebIdentityToken } = await sts.send(command);
  const headers = { authorization: `Bearer ${WebIdentityToken}` };
  assert.equal((await fetch(`${url}/items/1`, { headers })).status, 200);
});

test("keys that the issuer has changed are fetched once they are met", async () => {
  const rotated = await fetch(`${emulator.stsEndpoint}/issuers/000000000000/rotate`, { method: "POST" });
  assert.equal(rotated.status, 200);
  const api = calling(identity.identityToken(about));
  // Between two fetches lie ten seconds.
  aheadSeconds = 11;
  assert.equal((await api(`${url}/items/1`)).status, 200);
});
