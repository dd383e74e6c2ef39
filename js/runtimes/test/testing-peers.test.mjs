// The packed emulator beside other people's signers, in this process.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromEnv, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { CLIENTS } from "../lib/other-clients.mjs";
import { bySmithy } from "../lib/peers.mjs";
import { freshCaller } from "../lib/run.mjs";

const MANIFEST = fileURLToPath(new URL("../../../tests/manifests/fronts.toml", import.meta.url));
const region = "ap-northeast-1";
const service = "execute-api";

let emulator;
before(async () => {
  const app = await freshCaller();
  const { href } = pathToFileURL(join(app, "node_modules/xacct-sign-emulator/dist/index.js"));
  const { startEmulator } = await import(href);
  emulator = await startEmulator({ manifest: MANIFEST, explain: true });
});
after(() => emulator?.close());

const callsSince = (begun) => emulator.calls.slice(begun);

for (const [name, call] of Object.entries(CLIENTS)) {
  test(`${name} signs, and nothing is taken that was signed by other keys`, async () => {
    const begun = emulator.calls.length;
    const keys = emulator.credentials("shop", "restd");
    const base = new URL(emulator.url("restd")).origin;
    const wrong = { ...keys, secretAccessKey: `${keys.secretAccessKey}x` };
    for (const each of [keys, wrong]) {
      const headers = { "content-type": "application/json" };
      await call({ keys: each, region, method: "PUT", base, path: "/v1/hoge", headers, body: '{"foo":"bar"}' });
    }
    const noted = { method: "PUT", path: "/v1/hoge", stage: "restd" };
    assert.deepEqual(callsSince(begun), [
      { ...noted, status: 200, caller: "shop" },
      { ...noted, status: 403, caller: null },
    ]);
  });
}

test("@smithy/signature-v4 signs", async () => {
  const begun = emulator.calls.length;
  const credentials = emulator.credentials("shop", "restd");
  const { host, pathname } = new URL(emulator.url("restd"));
  const request = { method: "POST", host, path: `${pathname}/a b`, query: [["q", "x y"]], headers: {}, body: "hi" };
  const signed = await bySmithy(
    { ...request, path: `${pathname}/a%20b` },
    { credentials, region, service, now: new Date() },
  );
  const { host: _, ...headers } = signed.headers;
  const answer = await fetch(`http://${host}${pathname}/a%20b?q=x%20y`, { method: "POST", headers, body: "hi" });
  assert.equal(answer.status, 200, await answer.text());
  assert.deepEqual(callsSince(begun), [
    { method: "POST", path: "/v1/a%20b", status: 200, stage: "restd", caller: "shop" },
  ]);
});

test("the AWS SDK's STS, with a caller's credentials", async () => {
  const sts = new STSClient({ region, endpoint: emulator.stsUrl, credentials: emulator.credentials("shop", "http") });
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, "arn:aws:sts::000000000000:assumed-role/Shop/shop");
  const RoleSessionName = "orders";
  const role = "arn:aws:iam::111111111111:role/ApiHttp";
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName }));
  assert.match(Credentials?.AccessKeyId ?? "", /^ASIA/);
  const other = new AssumeRoleCommand({ RoleArn: `${role}Other`, RoleSessionName });
  await assert.rejects(sts.send(other), { name: "AccessDenied" });
  sts.destroy();
});

test("the AWS SDK's providers, in the environment of a caller", async () => {
  const begun = emulator.calls.length;
  await emulator.asCaller("shop", "http", async () => {
    const { XACCT_ROLE_ARN: RoleArn = "", XACCT_URL = "" } = process.env;
    // It finds STS by AWS_ENDPOINT_URL_STS.
    const provider = fromTemporaryCredentials({
      masterCredentials: fromEnv(),
      params: { RoleArn, RoleSessionName: "orders" },
    });
    const { host } = new URL(XACCT_URL);
    const request = { method: "GET", host, path: "/hoge", query: [], headers: {}, body: "" };
    const signed = await bySmithy(request, { credentials: await provider(), region, service, now: new Date() });
    const { host: _, ...headers } = signed.headers;
    const answer = await fetch(`${XACCT_URL}/hoge`, { headers });
    const { requestContext } = /** @type {any} */ (await answer.json());
    assert.equal(requestContext.authorizer.iam.userArn, "arn:aws:sts::111111111111:assumed-role/ApiHttp/orders");
  });
  assert.deepEqual(callsSince(begun), [{ method: "GET", path: "/hoge", status: 200, stage: "http", caller: "shop" }]);
});
