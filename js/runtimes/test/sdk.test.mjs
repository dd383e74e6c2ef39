// The AWS SDK v3: our provider is one of its, and its are taken by ours.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { startEmulator } from "../lib/emulator.mjs";
import { freshApp } from "../lib/run.mjs";

let emulator;
let xacct;
before(async () => {
  const [started, app] = await Promise.all([startEmulator(), freshApp()]);
  emulator = started;
  xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
});
after(() => emulator?.stop());

test("STSClient with assumeRole(...) as its credentials", async () => {
  const { region, roleArn, stsEndpoint, base } = emulator;
  const credentials = xacct.assumeRole({ roleArn, region, stsEndpoint, base, sessionName: "sdk" });
  const client = new STSClient({ region, credentials, endpoint: stsEndpoint });
  const { Arn, Account, UserId } = await client.send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/sdk");
  assert.equal(Account, "111111111111");
  assert.match(UserId ?? "", /^AROA[A-Z0-9]{17}:sdk$/);
});

test("a provider of the SDK as `base`", async () => {
  const { region, roleArn, stsEndpoint, base, url } = emulator;
  // As the SDK resolves and wraps it.
  const sdk = new STSClient({ region, credentials: base }).config.credentials;
  const api = xacct.createFetch({ roleArn, region, stsEndpoint, base: sdk, sessionName: "sdk-base" });
  const answer = await api(`${url}/hoge`);
  assert.equal(answer.status, 200);
  const { requestContext } = await answer.json();
  assert.match(requestContext.authorizer.iam.userArn, /ApiAllowByIamRoleStag\/sdk-base$/);
});
