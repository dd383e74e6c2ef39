import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, XacctSignError } from "xacct-sign";
import { clock, fakeSts } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region: "us-east-1", base: credentials };

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

test("one STS call in flight, kept, and forced", async () => {
  const sts = fakeSts();
  const provider = assumeRole({ ...role, fetch: sts.fetch });
  const all = await Promise.all([provider(), provider(), provider()]);
  expect([sts.calls, all[0]?.expiration instanceof Date, all[2]?.secretAccessKey]).toEqual([1, true, "s1"]);
  await provider();
  expect(sts.calls).toBe(1);
  expect((await provider({ forceRefresh: true })).secretAccessKey).toBe("s2");
});

test("what a caller does with the credentials is its own business", async () => {
  const provider = assumeRole({ ...role, fetch: fakeSts().fetch });
  const first = await provider();
  (first as { accessKeyId: string }).accessKeyId = "changed";
  first.expiration.setTime(0);
  expect((await provider()).accessKeyId).toBe("ASIAEXAMPLEEXAMPLE12");
  expect((await provider()).expiration.getTime()).toBeGreaterThan(0);
});

test("what caused an error of the module comes with it, to the first cause", () => {
  let thrown: unknown;
  try {
    assumeRole({ ...role, stsEndpoint: "https://sts.example.com:port" });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "invalid_endpoint", cause: expect.any(Error) });
  const { message, cause } = thrown as XacctSignError;
  expect(message).not.toContain("\0");
  expect((cause as Error).message).toMatch(/^the URL/);
  expect((cause as Error).cause).toBeUndefined();
});

test("early refreshes: a failure keeps what works and backs off, a success replaces it", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  await provider();
  time.forward(3600 - 100);
  sts.next = { status: 500 };
  expect((await provider()).secretAccessKey).toBe("s1");
  expect(sts.calls).toBe(2);
  expect((await provider()).secretAccessKey).toBe("s1");
  expect(sts.calls).toBe(2);
  time.forward(11);
  sts.next = {};
  expect((await provider()).secretAccessKey).toBe("s3");
});

test("credentials that are about to expire are not used: a failure is reported", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  await provider();
  time.forward(3600 - 5);
  sts.next = { status: 403 };
  await expect(provider()).rejects.toMatchObject({
    code: "sts_denied",
    action: "AssumeRole",
    status: 403,
    awsCode: "AccessDenied",
  });
  sts.next = {};
  time.forward(1);
  expect((await provider()).secretAccessKey).toBe("s3");
});

test("a caller who has valid credentials does not wait for an STS that hangs", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  await provider();
  time.forward(3600 - 100);
  let answer = () => {};
  sts.next = {
    after: new Promise<void>((fulfil) => {
      answer = fulfil;
    }),
  };
  expect((await provider()).secretAccessKey).toBe("s1");
  answer();
  await vi.waitFor(async () => expect((await provider()).secretAccessKey).toBe("s2"));
  expect(sts.calls).toBe(2);
});

test("an abort ends the waiting of one, not of the others", async () => {
  const sts = fakeSts();
  let answer = () => {};
  sts.next = {
    after: new Promise<void>((fulfil) => {
      answer = fulfil;
    }),
  };
  const provider = assumeRole({ ...role, fetch: sts.fetch });
  const controller = new AbortController();
  const aborted = provider({ signal: controller.signal });
  const other = provider();
  // Through createFetch in both of its shapes.
  const calls = [
    createFetch({ region: role.region, credentials: provider }),
    createFetch({ ...role, fetch: sts.fetch }),
  ].map((call) => call("https://api.example.com/", { signal: controller.signal }));
  const reason = new Error("enough");
  const outcomes = Promise.allSettled([aborted, ...calls]);
  controller.abort(reason);
  for (const outcome of await outcomes) expect(outcome).toEqual({ status: "rejected", reason });
  answer();
  expect((await other).secretAccessKey).toBe("s1");
  await expect(provider({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("an STS that does not answer", async () => {
  vi.useFakeTimers();
  const fetch = ((_: string, { signal }: RequestInit) =>
    new Promise((_fulfil, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    })) as never;
  const outcome = assumeRole({ ...role, fetch })().catch((error) => error);
  await vi.advanceTimersByTimeAsync(35_000);
  expect(await outcome).toMatchObject({ code: "timeout", retryable: true });
});

test("an STS whose answer stalls, and base credentials that never come", async () => {
  const stalled = async () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("<AssumeRole")),
      }),
    );
  vi.useFakeTimers();
  for (const options of [{ fetch: stalled as never }, { base: () => new Promise<never>(() => {}) }]) {
    const provider = assumeRole({ ...role, ...options });
    const outcome = provider().catch((error) => error);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(await outcome).toMatchObject({ code: "timeout", retryable: true });
  }
});

test("answers that are none", async () => {
  const sts = fakeSts();
  for (const [reply, code] of [
    [{ body: "<html></html>" }, "invalid_response"],
    [{ body: "x".repeat((1 << 20) + 1) }, "response_too_large"],
    [{ lifetimeSeconds: -1 }, "invalid_response"],
    [{ status: 500, code: "InternalFailure" }, "sts_failed"],
    [{ status: 400, code: "Throttling" }, "sts_throttled"],
    [{ status: 403, code: "ExpiredToken" }, "sts_expired"],
    [{ status: 403, code: "A\nB" }, "sts_failed"],
  ] as const) {
    sts.next = reply;
    const provider = assumeRole({ ...role, fetch: sts.fetch });
    const action = code === "response_too_large" ? undefined : "AssumeRole";
    await expect(provider()).rejects.toMatchObject({ name: "XacctSignError", code, action });
  }
  const nothing = assumeRole({ ...role, fetch: (async () => undefined) as never });
  await expect(nothing()).rejects.toMatchObject({ code: "transport" });
});

test("the session's name: the option, the environment, the Lambda function, a default", async () => {
  const sts = fakeSts();
  const named = async (options = {}) => {
    await assumeRole({ ...role, fetch: sts.fetch, ...options })();
    return sts.forms.at(-1)?.get("RoleSessionName");
  };
  expect(await named()).toBe("xacct-sign");
  vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", `my function ${"x".repeat(80)}`);
  expect(await named()).toBe(`my-function-${"x".repeat(52)}`);
  vi.stubEnv("AWS_ROLE_SESSION_NAME", "shop");
  expect(await named()).toBe("shop");
  expect(await named({ sessionName: "orders" })).toBe("orders");
});

test("c11: STS's endpoint as the environment has it", async () => {
  const urls: string[] = [];
  const asked = async (variables: Record<string, string>) => {
    vi.unstubAllEnvs();
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    const sts = fakeSts();
    const fetch = (async (url: string, init: never) => {
      urls.push(url);
      return sts.fetch(url, init);
    }) as never;
    await assumeRole({ ...role, fetch })();
    return urls.pop();
  };
  const [own, other] = ["https://sts.example.com/", "https://aws.example.com/"];
  expect(await asked({})).toBe("https://sts.us-east-1.amazonaws.com/");
  expect(await asked({ AWS_ENDPOINT_URL: other })).toBe(other);
  expect(await asked({ AWS_ENDPOINT_URL: other, AWS_ENDPOINT_URL_STS: own })).toBe(own);
  const ignored = { AWS_ENDPOINT_URL: other, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" };
  expect(await asked(ignored)).toBe("https://sts.us-east-1.amazonaws.com/");
  expect(await asked({ AWS_ENDPOINT_URL: other, AWS_USE_FIPS_ENDPOINT: "true" })).toBe(other);
  for (const name of ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]) {
    await expect(asked({ [name]: "yes" })).rejects.toMatchObject({ code: "invalid_option" });
  }
});

test("the environment's credentials, read at each refresh", async () => {
  const sts = fakeSts();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const { base: _, ...rest } = role;
  const time = clock();
  const provider = assumeRole({ ...rest, fetch: sts.fetch, now: time.now });
  await expect(provider()).rejects.toMatchObject({ code: "credentials_not_found" });
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
  time.forward(1);
  expect((await provider()).secretAccessKey).toBe("s1");
});

test("base: what the AWS SDK has, and what fails", async () => {
  const sts = fakeSts();
  const from = async (base: unknown) => assumeRole({ ...role, base: base as never, fetch: sts.fetch })();
  const identity = {
    ...credentials,
    accountId: "111111111111",
    $source: {},
    expiration: new Date(Date.now() + 60_000),
  };
  expect((await from(identity)).secretAccessKey).toBe("s1");
  expect((await from(async () => identity)).secretAccessKey).toBe("s2");
  for (const [base, code] of [
    [async () => Promise.reject(new Error("no profile")), "credentials_not_found"],
    [async () => Promise.reject(Object.create(null)), "credentials_not_found"],
    [async () => undefined, "invalid_credentials"],
    [async () => ({ ...identity, expiration: new Date(0) }), "credentials_expired"],
    [{ ...identity, expiration: new Date(0) }, "credentials_expired"],
    [async () => ({ ...credentials, sessionToken: 5 }), "invalid_credentials"],
    [async () => ({ ...credentials, expiration: "2020-01-01T00:00:00Z" }), "invalid_time"],
    [{ ...credentials, expiration: new Date(Number.NaN) }, "invalid_time"],
    [{ ...credentials, expiration: 1_577_836_800_000 }, "invalid_time"],
    [async () => async () => credentials, "invalid_credentials"],
    [
      async () => ({
        get accessKeyId() {
          throw new Error("no");
        },
      }),
      "credentials_not_found",
    ],
  ] as const) {
    await expect(from(base)).rejects.toMatchObject({ name: "XacctSignError", code });
  }
});

test("a name of the session that cannot be, and who gave it", () => {
  vi.stubEnv("AWS_ROLE_SESSION_NAME", "a b");
  const refused = (given: object) => {
    try {
      assumeRole({ ...role, ...given });
    } catch (error) {
      return (error as XacctSignError).message;
    }
  };
  expect(refused({})).toContain("`AWS_ROLE_SESSION_NAME`");
  expect(refused({ sessionName: "c d" })).not.toContain("AWS_ROLE_SESSION_NAME");
});

test("STS that is not there, and STS that speaks no TLS", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  await expect(assumeRole({ ...role, stsEndpoint: `https://127.0.0.1:${port}` })()).rejects.toMatchObject({
    code: "transport",
    message: expect.not.stringContaining("\n"),
    hint: expect.stringContaining("plain http"),
  });
  closed.closeAllConnections();
  closed.close();
  await once(closed, "close");
  await expect(assumeRole({ ...role, stsEndpoint: `http://127.0.0.1:${port}` })()).rejects.toMatchObject({
    code: "transport",
    hint: expect.stringContaining("is it running"),
  });
});

test("a clock that tells no time", async () => {
  for (const now of [() => new Date(Number.NaN), () => 5, () => undefined, () => new Date(-1)]) {
    for (const ask of [undefined, { forceRefresh: true }]) {
      const provider = assumeRole({ ...role, fetch: fakeSts().fetch, now: now as never });
      await expect(provider(ask)).rejects.toMatchObject({ name: "XacctSignError", code: "invalid_time" });
    }
  }
});

test.each([
  ["invalid_option", null],
  ["invalid_option", 5],
  ["invalid_option", { ...role, rolearn: "x" }],
  ["invalid_option", { ...role, fetch: 5 }],
  ["invalid_option", { ...role, now: 5 }],
  ["invalid_role_arn", { ...role, roleArn: undefined }],
  ["invalid_role_arn", { ...role, roleArn: "x" }],
  ["invalid_region", { ...role, region: null }],
  ["invalid_region", { ...role, region: "" }],
  ["partition_mismatch", { ...role, region: "cn-north-1" }],
  ["invalid_session_name", { ...role, sessionName: 5 }],
  ["invalid_duration", { ...role, durationSeconds: 1 }],
  ["invalid_duration", { ...role, durationSeconds: "900" }],
  ["invalid_duration", { ...role, durationSeconds: Number.NaN }],
  ["invalid_external_id", { ...role, externalId: 5 }],
  ["invalid_session_policy", { ...role, policy: {} }],
  ["invalid_session_policy", { ...role, policyArns: "arn" }],
  ["invalid_session_policy", { ...role, policyArns: [undefined] }],
  ["invalid_tag", { ...role, tags: new Map([["a", "b"]]) }],
  ["invalid_tag", { ...role, tags: ["a"] }],
  ["invalid_tag", { ...role, tags: { a: 1 } }],
  ["invalid_tag", { ...role, transitiveTagKeys: "a" }],
  ["invalid_source_identity", { ...role, sourceIdentity: 5 }],
  ["invalid_endpoint", { ...role, stsEndpoint: 5 }],
  ["insecure_url", { ...role, stsEndpoint: "http://sts.example.com" }],
  ["invalid_endpoint", { ...role, stsEndpoint: "https://1.2.3.4.5" }],
  ["invalid_endpoint", { ...role, stsEndpoint: "https://0x7f.1/" }],
  ["invalid_credentials", { ...role, base: null }],
  ["invalid_credentials", { ...role, base: {} }],
])("%s, with what to do, at once: %j", (code, options) => {
  try {
    assumeRole(options as never);
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(XacctSignError);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/./) });
  }
});

test("no secret can be seen", async () => {
  const secret = "SECRETMARKER";
  const base = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: secret, sessionToken: `${secret}TOKEN` };
  const sts = fakeSts();
  const provider = assumeRole({ ...role, base, fetch: sts.fetch });
  const call = createFetch({ ...role, base, fetch: sts.fetch });
  const shown: unknown[] = [provider, call];
  sts.next = { status: 403, code: "SignatureDoesNotMatch", body: "" };
  for (const body of [
    `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>${secret} ${secret}TOKEN</Message></Error></ErrorResponse>`,
    `<${secret}`,
  ]) {
    sts.next = { status: 403, body };
    shown.push(await provider().catch((error) => error));
    shown.push(await call("https://api.example.com/").catch((error) => error));
  }
  for (const thing of shown) {
    expect(inspect(thing, { depth: 9, showHidden: true })).not.toContain(secret);
    if (thing instanceof Error) expect(`${thing.stack}${JSON.stringify(thing)}`).not.toContain(secret);
  }
});
