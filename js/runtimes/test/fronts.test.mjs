// Every kind of API that the emulator serves, called by our fetch, and with what aws4 and @smithy/signature-v4 sign.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startFronts } from "../lib/emulator.mjs";
import { byAws4, bySmithy } from "../lib/peers.mjs";
import { freshApp } from "../lib/run.mjs";

/** Those that end in `d` are called directly. */
const STAGES = ["http", "rest", "restd", "url", "urld"];

let emulator;
let xacct;
before(async () => {
  const [started, app] = await Promise.all([startFronts(), freshApp()]);
  emulator = started;
  xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
});
after(() => emulator?.stop());

/** What createFetch takes, but for the URL. */
function who(stage) {
  const { region, stsEndpoint, roles, own } = emulator;
  return stage.endsWith("d")
    ? { credentials: own, region }
    : { roleArn: roles[stage], region, stsEndpoint, base: own, sessionName: "fronts" };
}

async function credentialsFor(stage) {
  const { credentials, ...role } = who(stage);
  return credentials ?? (await xacct.assumeRole(role)());
}

for (const stage of STAGES) {
  test(`our fetch is let in at ${stage}`, async () => {
    const { url, service } = emulator.stages[stage];
    const api = xacct.createFetch({ ...who(stage), service, baseUrl: url });
    const answer = await api("/hoge", { method: "PUT", body: "body" });
    assert.equal(answer.status, 200, answer.headers.get("x-xacct-reason"));
    const { path, body, requestContext } = await answer.json();
    assert.deepEqual([path, body], ["/hoge", "body"]);
    const { accountId } = requestContext.identity ?? requestContext.authorizer.iam;
    assert.equal(accountId, stage.endsWith("d") ? "000000000000" : "111111111111");
  });
}

const PEERS = {
  aws4: byAws4,
  smithy: bySmithy,
};

/** Sends what a peer signed with this scope. */
async function called(peer, stage, scope) {
  const { origin, host, pathname } = new URL(emulator.stages[stage].url);
  const path = `${pathname.replace(/\/$/, "")}/items`;
  const request = {
    method: "PUT",
    host,
    path,
    query: [["q", "1"]],
    wire: ["q=1"],
    headers: { "content-type": "text/plain" },
    body: "body",
  };
  const whole = { credentials: await credentialsFor(stage), region: emulator.region, now: new Date(), ...scope };
  const { headers } = await PEERS[peer](request, whole);
  const { host: _, Host: __, ...sent } = headers;
  return fetch(`${origin}${path}?q=1`, { method: "PUT", headers: sent, body: "body" });
}

for (const peer of Object.keys(PEERS)) {
  for (const stage of STAGES) {
    test(`what ${peer} signs passes at ${stage}`, async () => {
      const answer = await called(peer, stage, { service: emulator.stages[stage].service });
      assert.equal(answer.status, 200, answer.headers.get("x-xacct-reason"));
      assert.equal((await answer.json()).query, "q=1");
    });
  }
  for (const [stage, scope, said] of [
    ["restd", { service: "lambda" }, "Credential should be scoped to correct service: 'execute-api'. "],
    ["urld", { service: "execute-api" }, "Credential should be scoped to correct service: 'lambda'. "],
    [
      "urld",
      { service: "lambda", region: "us-east-1" },
      "Credential should be scoped to a valid region, not 'us-east-1'. ",
    ],
    ["http", { service: "lambda" }, "Forbidden"],
  ]) {
    test(`what ${peer} signs for ${Object.values(scope)} is refused at ${stage}`, async () => {
      const answer = await called(peer, stage, scope);
      assert.equal(answer.status, 403);
      assert.deepEqual(await answer.json(), { message: said });
    });
  }
}
