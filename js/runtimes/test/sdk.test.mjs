// The AWS SDK v3: our provider is one of its, and its are taken by ours.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp } from "../lib/run.mjs";

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

test("the line that hints name: the SDK's chain, which reads a profile here, as `base`", async () => {
  const { region, roleArn, stsEndpoint, base, url } = emulator;
  const home = emptyFolder();
  mkdirSync(join(home, ".aws"));
  const process = `printf '{"Version":1,"AccessKeyId":"${base.accessKeyId}","SecretAccessKey":"${base.secretAccessKey}","SessionToken":"${base.sessionToken}"}'`;
  writeFileSync(join(home, ".aws/keys.sh"), process);
  writeFileSync(join(home, ".aws/config"), `[profile laptop]\ncredential_process = sh ${join(home, ".aws/keys.sh")}\n`);
  const chain = fromNodeProviderChain({
    profile: "laptop",
    configFilepath: join(home, ".aws/config"),
    filepath: join(home, ".aws/credentials"),
  });
  const api = xacct.createFetch({ roleArn, region, stsEndpoint, base: chain, sessionName: "chain" });
  assert.equal((await api(`${url}/hoge`)).status, 200);
});

test("a role that another role assumes, in the SDK's client", async () => {
  const { region, roleArn, stsEndpoint, base } = emulator;
  const first = xacct.assumeRole({ roleArn, region, stsEndpoint, base, sessionName: "first" });
  const second = xacct.assumeRole({ roleArn, region, stsEndpoint, base: first, sessionName: "second" });
  // This API's roles are nobody's to assume but the callers'; STS knows who asked.
  await assert.rejects(second(), { code: "sts_denied", message: /assumed-role\/ApiAllowByIamRoleStag\/first/ });
});
