// What a container has in place of keys, against a real endpoint on loopback.

import { writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, fromContainer, XacctSignError } from "xacct-sign";
import { serve } from "./server.js";
import { clock, fakeSts } from "./sts.js";

const FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
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
  await expect(assumeRole({ ...role, fetch: fakeSts().fetch })()).rejects.toMatchObject({
    code: "credentials_not_found",
    hint: expect.stringContaining("`base: fromNodeProviderChain()`, of `@aws-sdk/credential-providers`"),
  });
  await expect(fromContainer()()).rejects.toMatchObject({ code: "credentials_not_found", hint: expect.any(String) });
});

test("who signs as the container itself asks it once, however many ask at once", async () => {
  const server = await serve(({ index, response }) => response.end(keys(index)));
  vi.stubEnv(FULL, server.url);
  const provider = fromContainer();
  const all = await Promise.all(Array.from({ length: 100 }, () => provider()));
  expect(new Set(all.map(({ secretAccessKey }) => secretAccessKey))).toEqual(new Set(["s0"]));
  expect(server.seen.length).toBe(1);
});

test("the relative URI belongs to Amazon ECS's address, and comes before the full one", async () => {
  const server = await serve(({ index, response }) => response.end(keys(index)));
  const asked: string[] = [];
  const request = http.request;
  vi.spyOn(http, "request").mockImplementation(((url: URL, ...rest: [never]) => {
    asked.push(url.href);
    return request(new URL(url.pathname, server.url), ...rest);
  }) as never);
  vi.stubEnv(RELATIVE, "/v2/credentials/abc");
  vi.stubEnv(FULL, "http://127.0.0.1:1/");
  expect((await fromContainer()()).accessKeyId).toBe("ASIA0");
  for (const address of ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost:9001", "127.0.0.9", "[::1]"]) {
    vi.stubEnv(RELATIVE, undefined);
    vi.stubEnv(FULL, `http://${address}/creds`);
    await fromContainer()();
  }
  expect(asked).toEqual([
    "http://169.254.170.2/v2/credentials/abc",
    "http://169.254.170.2/creds",
    "http://169.254.170.23/creds",
    "http://[fd00:ec2::23]/creds",
    "http://localhost:9001/creds",
    "http://127.0.0.9/creds",
    "http://[::1]/creds",
  ]);
});

test.each([
  [FULL, "http://credentials.example.com/", "insecure_url"],
  [FULL, "http://169.254.170.24/", "insecure_url"],
  [FULL, "http://169.254.169.254/", "insecure_url"],
  [FULL, "http://127.0.0.1.example.com/", "insecure_url"],
  [FULL, "http://localhost.example.com/", "insecure_url"],
  [FULL, "http://api.localhost/", "insecure_url"],
  [FULL, "http://[fd00:ec2::24]/", "insecure_url"],
  [FULL, "http://127.0.0.1@evil.example.com/", "insecure_url"],
  [FULL, "ftp://127.0.0.1/", "invalid_url"],
  [FULL, "/credentials", "invalid_url"],
  [RELATIVE, "@evil.example.com/", "invalid_url"],
  [RELATIVE, "4/", "invalid_url"],
  [RELATIVE, ".evil.example.com/", "invalid_url"],
])("%s=%s is not asked: %s", async (name, value, code) => {
  const asked = vi.spyOn(http, "request");
  vi.stubEnv(name, value);
  vi.stubEnv(TOKEN, "SECRETMARKER");
  const error = await fromContainer()().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(XacctSignError);
  expect(error).toMatchObject({ code, hint: expect.stringContaining(FULL) });
  expect(asked).not.toHaveBeenCalled();
});

test("no proxy, whatever the environment says, and no redirect", async () => {
  const elsewhere = await serve(({ response }) => response.end(keys(0)));
  const server = await serve(({ response }) => response.writeHead(302, { location: elsewhere.url }).end());
  for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) vi.stubEnv(name, elsewhere.url);
  vi.stubEnv("NODE_USE_ENV_PROXY", "1");
  vi.stubEnv(FULL, server.url);
  await expect(fromContainer()()).rejects.toMatchObject({
    code: "credentials_not_found",
    message: expect.stringMatching(/status 302$/),
  });
  expect(elsewhere.seen).toEqual([]);
});

test.each(["", "a\r\nx: y", "a\n", "ü"])("a token that cannot be sent is refused, and not shown: %j", async (token) => {
  const file = join(tmpdir(), `xacct-sign-bad-${process.pid}`);
  writeFileSync(file, `${token}`);
  vi.stubEnv(FULL, "http://127.0.0.1:1/");
  vi.stubEnv(TOKEN_FILE, file);
  await expect(fromContainer()()).rejects.toMatchObject({
    code: "invalid_credentials",
    message: `the token of \`${TOKEN_FILE}\` is empty, or cannot be sent in a header`,
  });
  vi.stubEnv(TOKEN_FILE, "/no/such/file");
  await expect(fromContainer()()).rejects.toMatchObject({ code: "credentials_not_found" });
});

test("what is transient is tried three times, a refusal once", async () => {
  for (const [broken, asked, code] of [
    ["reset", 3, "transport"],
    ["half", 3, "transport"],
    [500, 3, "credentials_not_found"],
    [404, 1, "credentials_not_found"],
    ["json", 1, "invalid_response"],
    ["long", 1, "response_too_large"],
  ] as const) {
    const server = await serve(({ request, response }) => {
      if (broken === "reset") request.socket.destroy();
      else if (broken === "half")
        response.writeHead(200, { "content-length": "99" }).write("{", () => response.destroy());
      else if (broken === "json") response.end(`{"AccessKeyId":"SECRETMARKER"`);
      else if (broken === "long") response.end("x".repeat((1 << 20) + 1));
      else response.writeHead(broken).end('{"code":"AccessDenied","message":"SECRETMARKER"}');
    });
    vi.stubEnv(FULL, server.url);
    const error = await fromContainer()().catch((thrown) => thrown);
    expect(error).toMatchObject({ code, hint: expect.any(String) });
    expect(server.seen.length).toBe(asked);
    expect(`${error.message}${error.hint}`).not.toContain("SECRETMARKER");
    if (typeof broken === "number") expect(error.message).toContain(`status ${broken}, \`AccessDenied\``);
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
    code: "transport",
    message: expect.stringContaining("no answer in 5 seconds"),
  });
});

test("what has expired already is not used", async () => {
  const server = await serve(({ response }) => response.end(keys(0, -1)));
  vi.stubEnv(FULL, server.url);
  await expect(fromContainer()()).rejects.toMatchObject({ code: "credentials_expired" });
  const sts = fakeSts();
  await expect(assumeRole({ ...role, fetch: sts.fetch })()).rejects.toMatchObject({ code: "credentials_expired" });
  expect(sts.calls).toBe(0);
});
