// Many who ask at once, and credentials that change under them.

import { expect, test } from "vitest";
import { assumeRole, createFetch, Signer } from "xacct-sign";
import { serve } from "./server.js";

const base = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region: "us-east-1", base };

/** STS's answer with the credentials of a generation, of which each part names it. */
function answer(generation: number, lifetimeSeconds: number, now = Date.now()): string {
  const end = new Date(now + lifetimeSeconds * 1000).toISOString();
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
    <AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/Api/x</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>ASIA${generation}</AccessKeyId><SecretAccessKey>secret${generation}</SecretAccessKey>
    <SessionToken>token${generation}</SessionToken><Expiration>${end}</Expiration></Credentials></AssumeRoleResult>
    </AssumeRoleResponse>`;
}

test("c1: a thousand promises on a fresh provider make one call to STS", async () => {
  const sts = await serve(({ index, response }) => response.end(answer(index, 3600)));
  const api = await serve(({ response }) => response.end("ok"));
  const provider = assumeRole({ ...role, stsEndpoint: sts.url });
  const call = createFetch({ region: role.region, credentials: provider });
  const asked = Array.from({ length: 1000 }, () => provider());
  const called = Array.from({ length: 100 }, async () => (await call(api.url)).text());
  expect(new Set((await Promise.all(asked)).map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(["ASIA0"]));
  expect(new Set(await Promise.all(called))).toEqual(new Set(["ok"]));
  expect([sts.seen.length, api.seen.length]).toEqual([1, 100]);
});

test("c1: a thousand promises and an STS that fails: three tries, and one error for all", async () => {
  const sts = await serve(({ response }) => response.writeHead(500).end());
  const provider = assumeRole({ ...role, stsEndpoint: sts.url });
  const errors = await Promise.all(Array.from({ length: 1000 }, () => provider().catch((error) => error)));
  expect(new Set(errors).size).toBe(1);
  expect(errors[0]).toMatchObject({ code: "sts_failed", status: 500 });
  expect(sts.seen.length).toBe(3);
});

test("no torn credentials while they rotate every few milliseconds", async () => {
  // Of a lifetime of 40 ms the last quarter is early, the last twentieth too late. Time passes as calls do, however long a machine takes.
  let time = Date.now();
  const now = () => new Date(time);
  const sts = await serve(({ index, response }) => response.end(answer(index, 0.04, time)));
  const provider = assumeRole({ ...role, stsEndpoint: sts.url, now });
  let signed = 0;
  const fetch = (async (url: string, init: RequestInit) => {
    if (url.startsWith(sts.url)) return globalThis.fetch(url, init);
    const headers = new Headers(init.headers);
    const [, key] = /Credential=ASIA(\d+)\//.exec(headers.get("authorization") ?? "") ?? [];
    expect(headers.get("x-amz-security-token")).toBe(`token${key}`);
    const date = (headers.get("x-amz-date") ?? "").replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z");
    const credentials = { accessKeyId: `ASIA${key}`, secretAccessKey: `secret${key}`, sessionToken: `token${key}` };
    const expected = new Signer({ credentials, region: role.region }).sign("GET", url, { now: new Date(date) });
    expect(headers.get("authorization")).toBe(expected.authorization);
    signed += 1;
    return new Response("ok");
  }) as never;
  const call = createFetch({ region: role.region, credentials: provider, fetch, now });
  while (sts.seen.length < 30) {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const { accessKeyId, secretAccessKey, sessionToken } = await provider();
        const generation = accessKeyId.slice("ASIA".length);
        expect([secretAccessKey, sessionToken]).toEqual([`secret${generation}`, `token${generation}`]);
        await call("https://api.example.com/");
        time += 0.2;
      }),
    );
    await new Promise(setImmediate);
  }
  expect(signed).toBeGreaterThan(1000);
});
