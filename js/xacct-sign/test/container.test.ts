// What a container has in place of keys, against a real endpoint on loopback.

import { writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, fromContainer, fromEnv, XacctSignError } from "xacct-sign";
import { serve } from "./server.js";
import { clock, fakeSts } from "./sts.js";

const FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region: "us-east-1" };

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function keys(number: number, lifetimeSeconds = 3600, now = Date.now()): string {
  return JSON.stringify({
    AccessKeyId: `ASIA${number}`,
    SecretAccessKey: `s${number}`,
    Token: `t${number}`,
    Expiration: new Date(now + lifetimeSeconds * 1000).toISOString(),
    RoleArn: "arn:aws:iam::000000000000:role/Task",
  });
}

test("a role is assumed as the container, which is asked once for its credentials' lifetime", async () => {
  const server = await serve(({ index, response }) => response.end(keys(index)));
  vi.stubEnv(FULL, `${server.url}/creds?a=b`);
  vi.stubEnv(TOKEN, "Bearer abc");
  const time = clock();
  const sts = fakeSts(time.now);
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  await provider();
  await provider({ forceRefresh: true });
  expect(server.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([["/creds?a=b", "Bearer abc"]]);
  expect(sts.authorizations.every((value) => value.includes("Credential=ASIA0/"))).toBe(true);
});

test("the container is asked again before its credentials expire, with the token of that moment", async () => {
  const time = clock();
  const server = await serve(({ index, response }) => response.end(keys(index, 900, time.now().getTime())));
  const file = join(tmpdir(), `xacct-sign-${process.pid}`);
  writeFileSync(file, "first");
  vi.stubEnv(FULL, server.url);
  vi.stubEnv(TOKEN, "is not read beside the file");
  vi.stubEnv(TOKEN_FILE, file);
  const sts = fakeSts(time.now);
  sts.next = { lifetimeSeconds: 900 };
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  await provider();
  writeFileSync(file, "second");
  time.forward(890);
  await provider();
  expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["first", "second"]);
  expect(sts.authorizations.at(-1)).toContain("Credential=ASIA1/");
});

test("the environment's keys come first, as with AWS's SDKs", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDENV");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv(FULL, "http://127.0.0.1:1/");
  const sts = fakeSts();
  await assumeRole({ ...role, fetch: sts.fetch })();
  expect(sts.authorizations[0]).toContain("Credential=AKIDENV/");
});

test("where there is nothing the error names the line to write", async () => {
  const sts = fakeSts();
  const hint = expect.stringContaining("`base: fromNodeProviderChain()`, of `@aws-sdk/credential-providers`");
  await expect(assumeRole({ ...role, fetch: sts.fetch })()).rejects.toMatchObject({
    code: "credentials_not_found",
    message: "`AWS_ACCESS_KEY_ID` is not set",
    hint,
  });
  await expect(fromContainer()()).rejects.toMatchObject({ code: "credentials_not_found", hint: expect.any(String) });
  // Those come before the container: nobody must run as somebody else.
  for (const name of ["AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"]) {
    vi.unstubAllEnvs();
    vi.stubEnv(name, "SECRETMARKER");
    vi.stubEnv(FULL, "http://127.0.0.1:1/");
    await expect(assumeRole({ ...role, fetch: sts.fetch })()).rejects.toMatchObject({
      code: "credentials_not_found",
      message: `\`AWS_ACCESS_KEY_ID\` is not set, and what \`${name}\` names is left to the AWS SDK`,
      hint,
    });
  }
  expect(sts.calls).toBe(0);
});

test("keys of the environment: blank is none, half of them are an error, and their end counts", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const base = () => assumeRole({ ...role, fetch: sts.fetch, now: time.now })();
  const server = await serve(({ response }) => response.end(keys(7, 3600, time.now().getTime())));
  vi.stubEnv(FULL, server.url);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "  ");
  await base();
  expect(sts.authorizations.at(-1)).toContain("Credential=ASIA7/");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDENV");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "");
  await expect(base()).rejects.toMatchObject({
    code: "credentials_not_found",
    message: expect.stringContaining("`AWS_SECRET_ACCESS_KEY` is not set"),
  });
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", "2026-11-24T00:00:01Z");
  expect((await fromEnv()()).expiration).toEqual(new Date("2026-11-24T00:00:01Z"));
  await base();
  time.forward(1);
  await expect(base()).rejects.toMatchObject({ code: "credentials_expired" });
  vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", "tomorrow");
  await expect(base()).rejects.toMatchObject({ code: "invalid_credentials" });
  // Temporary ones are of no use without their token: no service is asked to say so.
  vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", undefined);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "ASIAENV");
  await expect(base()).rejects.toMatchObject({
    code: "invalid_credentials",
    hint: "set AWS_SESSION_TOKEN, too: the three belong together",
  });
  vi.stubEnv("AWS_SESSION_TOKEN", "token");
  expect(await fromEnv()()).toMatchObject({ accessKeyId: "ASIAENV", sessionToken: "token" });
});

test("who signs as the container itself asks it once, however many ask at once", async () => {
  const server = await serve(({ index, response }) => response.end(keys(index)));
  vi.stubEnv(FULL, server.url);
  const provider = fromContainer();
  const all = await Promise.all(Array.from({ length: 100 }, () => provider()));
  expect(new Set(all.map(({ secretAccessKey }) => secretAccessKey))).toEqual(new Set(["s0"]));
  expect(server.seen.length).toBe(1);
});

test.each([
  ["http://api.localhost/", "insecure_url"],
  ["http://127.1/", "insecure_url"],
  ["http://0x7f.0.0.1/", "insecure_url"],
  ["http://169.254.169.254/", "insecure_url"],
  ["http://169.254.170.2:80@evil.example.com/", "invalid_endpoint"],
  ["http://169.254.170.2\\@evil.example.com/", "invalid_endpoint"],
  ["https://0x7f.1/", "invalid_endpoint"],
])("%s is not asked: %s", async (value, code) => {
  const asked = vi.spyOn(http, "request");
  vi.stubEnv(FULL, value);
  vi.stubEnv(TOKEN, "SECRETMARKER");
  const error = await fromContainer()().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(XacctSignError);
  expect(error).toMatchObject({ code, message: expect.stringContaining(FULL), hint: expect.any(String) });
  expect(asked).not.toHaveBeenCalled();
});

test("no proxy, whatever the environment says, and no redirect", async () => {
  const elsewhere = await serve(({ response }) => response.end(keys(0)));
  const server = await serve(({ response }) => response.writeHead(302, { location: elsewhere.url }).end());
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) vi.stubEnv(name, elsewhere.url);
  vi.stubEnv("NODE_USE_ENV_PROXY", "1");
  vi.stubEnv(FULL, server.url);
  await expect(fromContainer()()).rejects.toMatchObject({
    code: "credentials_refused",
    message: expect.stringContaining("redirect (status 302)"),
  });
  expect(elsewhere.seen).toEqual([]);
});

test("an answer that breaks off is tried again, one that is too long is not", async () => {
  for (const [body, asked, code] of [
    ["half", 3, "transport"],
    ["long", 1, "response_too_large"],
  ] as const) {
    const server = await serve(({ response }) => {
      if (body === "long") response.end("x".repeat((1 << 20) + 1));
      else response.writeHead(200, { "content-length": "99" }).write("{", () => response.destroy());
    });
    vi.stubEnv(FULL, server.url);
    await expect(fromContainer()()).rejects.toMatchObject({ code, hint: expect.any(String) });
    expect(server.seen.length).toBe(asked);
  }
});

test("one that hangs is given up", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const server = await serve(() => {});
  vi.stubEnv(FULL, server.url);
  const outcome = fromContainer()().catch((error) => error);
  for (let tries = 1; tries <= 3; tries++) {
    // Between two tries lies a pause.
    while (server.seen.length < tries) {
      await vi.advanceTimersByTimeAsync(10);
      await new Promise(setImmediate);
    }
    await vi.advanceTimersByTimeAsync(5_000);
  }
  vi.useRealTimers();
  expect(await outcome).toMatchObject({
    code: "timeout",
    message: expect.stringContaining("no answer in 5 seconds"),
  });
});

test("what has expired already is not used", async () => {
  const server = await serve(({ response }) => response.end(keys(0, -1)));
  vi.stubEnv(FULL, server.url);
  const sts = fakeSts();
  await expect(assumeRole({ ...role, fetch: sts.fetch })()).rejects.toMatchObject({ code: "credentials_expired" });
  expect(sts.calls).toBe(0);
});
