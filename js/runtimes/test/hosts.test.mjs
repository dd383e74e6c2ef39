// AWS's own hosts say region and service: `tests/hosts.toml` through the packed package's `fetch`, and what a role makes of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "smol-toml";
import { freshApp } from "../lib/run.mjs";

/** @param {string} name @returns {any} */
const table = (name) => parse(readFileSync(new URL(`../../../tests/${name}`, import.meta.url), "utf8"));
const TABLE = table("hosts.toml");

const API = "https://abc.execute-api.eu-west-1.amazonaws.com/";
const FUNCTION = "https://abc.lambda-url.us-west-2.on.aws/";
const CUSTOM = "https://api.example.com/";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const roleArn = "arn:aws:iam::111111111111:role/Api";

let xacct;
const region = process.env.AWS_REGION;
before(async () => {
  xacct = await import(pathToFileURL(join(await freshApp(), "package.mjs")).href);
});
after(() => setRegion(region));

/** @param {string | undefined} value */
function setRegion(value) {
  delete process.env.AWS_DEFAULT_REGION;
  if (value === undefined) delete process.env.AWS_REGION;
  else process.env.AWS_REGION = value;
}

/** A `fetch` that notes to which host something went, and for what it was signed. STS answers as it does. */
function recorder() {
  /** @type {string[]} */
  const sent = [];
  /** @type {any[]} */
  const headers = [];
  /**
   * @param {any} input
   * @param {any} init
   */
  const fetch = async (input, init) => {
    const given = new Headers(init.headers);
    headers.push(given);
    const [, , scope, service] = (given.get("authorization") ?? "").split("/");
    const { host } = new URL(input);
    sent.push(`${host} ${scope}/${service}`);
    const expiration = new Date(Date.now() + 3_600_000).toISOString();
    const body = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
      <Expiration>${expiration}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId>
      <Arn>arn:aws:sts::111111111111:assumed-role/Api/b</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`;
    return new Response(host.startsWith("sts") ? body : "{}");
  };
  return { fetch, sent, headers };
}

test("a fetch signs for what the host says", async () => {
  assert.ok(TABLE.host.length > 50);
  setRegion("sa-east-1");
  for (const { name, host, region = "sa-east-1", service = "execute-api", error } of TABLE.host) {
    const { fetch, sent } = recorder();
    const api = xacct.createFetch({ credentials, fetch });
    let url;
    try {
      url = new URL(`https://${host}/`);
    } catch {
      // What the runtime takes for no URL cannot be called.
      await assert.rejects(api(`https://${host}/`), { code: "invalid_url" }, name);
      continue;
    }
    const answer = api(url);
    if (error !== undefined) {
      await assert.rejects(answer, { name: "XacctSignError", code: error, hint: /./ }, name);
      assert.deepEqual(sent, [], name);
      continue;
    }
    await answer;
    assert.deepEqual(sent, [`${url.host} ${region}/${service}`], name);
  }
});

test("what contradicts the host is refused before anything is sent", async () => {
  setRegion("eu-west-1");
  for (const given of [
    { region: "us-east-1" },
    { service: "lambda" },
    { region: "eu-west-1", service: "lambda" },
    { region: "us-east-1", roleArn, base: credentials, credentials: undefined },
  ]) {
    const { fetch, sent } = recorder();
    const api = xacct.createFetch({ credentials, fetch, ...given });
    await assert.rejects(api(API), { code: "scope_mismatch", message: /eu-west-1/, hint: /./ });
    assert.deepEqual(sent, []);
    assert.equal(
      (await xacct.createFetch({ credentials, region: "eu-west-1", service: "execute-api", fetch })(API)).status,
      200,
    );
  }
});

test("on another host the region is the given one, else the role's, else the environment's", async () => {
  const { fetch, sent } = recorder();
  const role = xacct.assumeRole({ roleArn, region: "us-east-1", base: credentials, fetch });
  setRegion("sa-east-1");
  await xacct.createFetch({ credentials: role, fetch })(CUSTOM);
  await xacct.createFetch({ credentials: role, fetch })(API);
  await xacct.createFetch({ credentials: role, region: "ap-northeast-1", fetch })(CUSTOM);
  await xacct.createFetch({ credentials, fetch })(CUSTOM);
  assert.deepEqual(sent, [
    "sts.us-east-1.amazonaws.com us-east-1/sts",
    "api.example.com us-east-1/execute-api",
    "abc.execute-api.eu-west-1.amazonaws.com eu-west-1/execute-api",
    "api.example.com ap-northeast-1/execute-api",
    "api.example.com sa-east-1/execute-api",
  ]);
  setRegion(undefined);
  await assert.rejects(xacct.createFetch({ credentials, fetch })(CUSTOM), {
    code: "invalid_region",
    hint: /AWS_REGION/,
  });
  process.env.AWS_DEFAULT_REGION = "eu-north-1";
  await xacct.createFetch({ credentials, fetch })(CUSTOM);
  assert.equal(sent.at(-1), "api.example.com eu-north-1/execute-api");
});

test("a role without a region is assumed where the first API is", async () => {
  setRegion("sa-east-1");
  const { fetch, sent } = recorder();
  const base = xacct.assumeRole({ roleArn, base: credentials, fetch });
  const api = xacct.createFetch({ roleArn, base, fetch });
  await api(API);
  await api(FUNCTION);
  await api(CUSTOM);
  const sts = "sts.eu-west-1.amazonaws.com eu-west-1/sts";
  assert.deepEqual(sent, [
    sts,
    sts,
    "abc.execute-api.eu-west-1.amazonaws.com eu-west-1/execute-api",
    "abc.lambda-url.us-west-2.on.aws us-west-2/lambda",
    "api.example.com sa-east-1/execute-api",
  ]);
  const alone = recorder();
  await xacct.assumeRole({ roleArn, base: credentials, fetch: alone.fetch })();
  assert.deepEqual(alone.sent, ["sts.sa-east-1.amazonaws.com sa-east-1/sts"]);
});

test("a role that has no region to be assumed in, or one of another partition, is refused before anything is sent", async () => {
  setRegion(undefined);
  const { fetch, sent } = recorder();
  const role = xacct.assumeRole({ roleArn, base: credentials, fetch });
  await assert.rejects(role(), { code: "invalid_region", hint: /AWS_REGION/ });
  const api = xacct.createFetch({ credentials: role, fetch });
  await assert.rejects(api("https://a.execute-api.cn-north-1.amazonaws.com.cn/"), { code: "partition_mismatch" });
  assert.deepEqual(sent, []);
  await api(API);
  assert.equal(sent.length, 2);
});

test("what goes to Lambda has the hash of its body, without a body too", async () => {
  const { fetch, headers } = recorder();
  const api = xacct.createFetch({ credentials, fetch });
  await api(FUNCTION);
  await api(API);
  assert.match(headers[0].get("x-amz-content-sha256"), /^e3b0c44298fc1c14/);
  assert.match(headers[0].get("authorization"), /SignedHeaders=host;x-amz-content-sha256;x-amz-date/);
  assert.equal(headers[1].get("x-amz-content-sha256"), null);
});

test("c11: STS is called where the table has it", async () => {
  const { endpoint: rows } = table("sts-endpoints.toml");
  assert.ok(rows.length > 12);
  for (const row of rows) {
    process.env.AWS_USE_FIPS_ENDPOINT = String(row.fips ?? false);
    process.env.AWS_USE_DUALSTACK_ENDPOINT = String(row.dual_stack ?? false);
    const partition = { cn: "aws-cn", eusc: "aws-eusc", "us-gov": "aws-us-gov", "us-iso": "aws-iso" };
    const [, name = "aws"] = Object.entries(partition).find(([prefix]) => row.region.startsWith(`${prefix}-`)) ?? [];
    const { fetch, sent } = recorder();
    const given = { roleArn: `arn:${name}:iam::111111111111:role/Api`, region: row.region, base: credentials, fetch };
    try {
      const asked = async () => xacct.assumeRole(given)();
      if (row.error !== undefined) await assert.rejects(asked, { code: row.error });
      else await asked();
    } finally {
      delete process.env.AWS_USE_FIPS_ENDPOINT;
      delete process.env.AWS_USE_DUALSTACK_ENDPOINT;
    }
    assert.deepEqual(sent, row.host === undefined ? [] : [`${row.host} ${row.region}/sts`], JSON.stringify(row));
  }
});
