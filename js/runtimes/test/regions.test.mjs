// Decided: STS's endpoint may be of another region than the API.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { freshApp } from "../lib/run.mjs";

/** In `ap-northeast-1`. */
let emulator;
let xacct;
before(async () => {
  const [started, app] = await Promise.all([startEmulator(), freshApp()]);
  emulator = started;
  xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
});
after(() => emulator?.stop());

test("decided: STS is signed for the role's region, whichever its endpoint is", async () => {
  const { roleArn, base, stsEndpoint, url, region } = emulator;
  const api = xacct.createFetch({ roleArn, region, base, stsEndpoint });
  assert.equal((await api(`${url}/hoge`)).status, 200);
  const elsewhere = xacct.assumeRole({ roleArn, region: "us-east-1", base, stsEndpoint });
  await assert.rejects(elsewhere(), { code: "sts_credentials", awsCode: "SignatureDoesNotMatch" });
});

test("decided: a role with a region of its own serves a fetch of another", async () => {
  const { roleArn, base, stsEndpoint, url, region } = emulator;
  const credentials = xacct.assumeRole({ roleArn, region, base, stsEndpoint });
  assert.equal((await xacct.createFetch({ credentials, region })(`${url}/hoge`)).status, 200);
  // STS takes what is signed for its region, and the API says for which one the request to it was signed.
  const answer = await xacct.createFetch({ credentials, region: "eu-west-1" })(`${url}/hoge`);
  assert.equal(answer.status, 403);
  assert.match(answer.headers.get("x-xacct-reason") ?? "", /^scope_mismatch:.*\/eu-west-1\/execute-api\//);
});
