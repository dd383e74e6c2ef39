// Who assumes a role: another role, the SDK's providers, whoever is asked anew.

import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, type Fetch } from "xacct-sign";
import { clock, fakeSts } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
const arn = (name: string) => `arn:aws:iam::111111111111:role/${name}`;

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a role assumes a role assumes a role: each is asked for when it is needed, and refreshed", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const shared = { region, fetch: sts.fetch, now: time.now };
  const first = assumeRole({ ...shared, roleArn: arn("First"), base: credentials });
  const second = assumeRole({ ...shared, roleArn: arn("Second"), base: first });
  const third = assumeRole({ ...shared, roleArn: arn("Third"), base: second });
  expect(sts.calls).toBe(0);
  const all = await Promise.all(Array.from({ length: 10 }, () => third()));
  expect(new Set(all.map(({ secretAccessKey }) => secretAccessKey))).toEqual(new Set(["s3"]));
  const asked = () => sts.forms.splice(0).map((form) => form.get("RoleArn"));
  expect(asked()).toEqual([arn("First"), arn("Second"), arn("Third")]);
  expect(sts.authorizations.map((value) => /Credential=([^/]*)/.exec(value)?.[1])).toEqual([
    "AKIDEXAMPLE",
    "ASIAEXAMPLEEXAMPLE12",
    "ASIAEXAMPLEEXAMPLE12",
  ]);
  await third();
  expect(asked()).toEqual([]);
  // All of them were fetched together, and end together.
  time.forward(3590);
  await third();
  expect(asked()).toEqual([arn("First"), arn("Second"), arn("Third")]);
  await third({ forceRefresh: true });
  expect(asked()).toEqual([arn("Third")]);
});

test("a role that is refused tells its base no region", async () => {
  vi.stubEnv("AWS_REGION", "eu-west-1");
  const urls: string[] = [];
  const sts = fakeSts();
  const fetch = ((url: string, init: RequestInit) => {
    urls.push(url);
    return (sts.fetch as (url: string, init: RequestInit) => Promise<Response>)(url, init);
  }) as never as Fetch;
  const base = assumeRole({ roleArn: arn("First"), base: credentials, fetch });
  const other = assumeRole({ roleArn: "arn:aws-cn:iam::111111111111:role/Other", base });
  const api = createFetch({ credentials: other, region, fetch });
  await expect(api("https://api.example.com/")).rejects.toMatchObject({ code: "partition_mismatch" });
  await base();
  expect(urls).toEqual(["https://sts.eu-west-1.amazonaws.com/"]);
});

test("what fails in a chain of roles is named, and asked for no more often than by itself", async () => {
  const sts = fakeSts();
  sts.next = { status: 403, code: "AccessDenied" };
  const first = assumeRole({ region, fetch: sts.fetch, roleArn: arn("First"), base: credentials });
  const second = assumeRole({ region, fetch: sts.fetch, roleArn: arn("Second"), base: first });
  await expect(second()).rejects.toMatchObject({ code: "sts_denied", message: expect.stringContaining(arn("First")) });
  expect(sts.calls).toBe(1);
});

test("a fetch of a chain of roles", async () => {
  const sts = fakeSts();
  const sent: string[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    if (url.includes("sts.")) return sts.fetch(url, init);
    sent.push(new Headers(init.headers).get("authorization") ?? "");
    return new Response("ok");
  }) as never;
  const base = assumeRole({ region, fetch, roleArn: arn("First"), base: credentials });
  const call = createFetch({ region, fetch, roleArn: arn("Second"), base });
  expect((await call("https://api.example.com/")).status).toBe(200);
  expect([sts.calls, sent.length]).toEqual([2, 1]);
});

test("a provider is asked anew at each refresh, and its errors come through", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  let count = 0;
  const base = async () => ({ ...credentials, accessKeyId: `AKID${++count}` });
  const provider = assumeRole({ region, fetch: sts.fetch, now: time.now, roleArn: arn("Api"), base });
  await provider();
  await provider();
  expect(count).toBe(1);
  time.forward(3590);
  await provider();
  expect(sts.authorizations.map((value) => /AKID\d/.exec(value)?.[0])).toEqual(["AKID1", "AKID2"]);
  const cause = new Error("the SSO session has expired");
  const failing = assumeRole({ region, fetch: sts.fetch, roleArn: arn("Api"), base: () => Promise.reject(cause) });
  await expect(failing()).rejects.toMatchObject({ code: "credentials_not_found", cause });
});

test("a provider that asks the role it is to assume ends with an error", async () => {
  vi.useFakeTimers();
  const provider: () => Promise<never> = assumeRole({
    region,
    fetch: fakeSts().fetch,
    roleArn: arn("Api"),
    base: () => provider(),
  }) as never;
  const outcome = provider().catch((error) => error);
  await vi.advanceTimersByTimeAsync(35_000);
  vi.useRealTimers();
  expect(await outcome).toMatchObject({ code: "timeout", message: "no base credentials in 35 seconds" });
});
