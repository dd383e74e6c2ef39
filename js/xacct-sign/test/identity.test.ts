// Who calls, for servers without API Gateway: tokens and proofs over time, and where `createFetch` lets them go.

import { inspect } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, type Fetch, fromContainer } from "xacct-sign";
import { identityProof, identityToken, XacctSignError } from "xacct-sign/identity";
import { clock, fakeSts } from "./sts.js";

const base = { accessKeyId: "ASIAEXAMPLEEXAMPLE12", secretAccessKey: "secret", sessionToken: "base-token" };
const about = { audience: "https://api.example.com", region: "us-east-1" };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** An STS that makes tokens, `a.b.1` and so on, or fails as it is told. */
function issuer(now: () => Date = () => new Date()) {
  const sts = {
    calls: 0,
    forms: [] as URLSearchParams[],
    urls: [] as string[],
    refusal: undefined as [status: number, code: string] | undefined,
    fetch: (async (url: string, init: RequestInit) => {
      sts.calls += 1;
      sts.urls.push(url);
      const form = new URLSearchParams(init.body as string);
      sts.forms.push(form);
      if (sts.refusal !== undefined) {
        const [status, code] = sts.refusal;
        return new Response(`<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`, {
          status,
        });
      }
      const end = new Date(now().getTime() + Number(form.get("DurationSeconds")) * 1000).toISOString();
      return new Response(
        `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>
         <WebIdentityToken>a.b.${sts.calls}</WebIdentityToken><Expiration>${end}</Expiration></GetWebIdentityTokenResult>
         </GetWebIdentityTokenResponse>`,
      );
    }) as never as Fetch,
  };
  return sts;
}

/** The error that something throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("one token for all, asked for as STS wants it, and anew before it expires", async () => {
  const time = clock();
  const sts = issuer(time.now);
  const events: unknown[] = [];
  const onEvent = (event: unknown) => events.push(event);
  const token = identityToken({ ...about, base, fetch: sts.fetch, now: time.now, onEvent });
  expect(sts.calls).toBe(0);
  expect(await Promise.all([token(), token(), token()])).toEqual(["a.b.1", "a.b.1", "a.b.1"]);
  expect(Object.fromEntries(sts.forms[0] ?? [])).toEqual({
    Action: "GetWebIdentityToken",
    Version: "2011-06-15",
    "Audience.member.1": about.audience,
    DurationSeconds: "300",
    SigningAlgorithm: "ES384",
  });
  expect(sts.urls).toEqual(["https://sts.us-east-1.amazonaws.com/"]);
  time.forward(200);
  expect(await token()).toBe("a.b.1");
  time.forward(86);
  expect(await token()).toBe("a.b.2");
  const expiration = new Date("2026-11-24T00:05:00Z");
  expect(events[0]).toMatchObject({ type: "token_made", audience: about.audience, expiration });
});

test("an early refresh that fails leaves the old token in use", async () => {
  const time = clock();
  const sts = issuer(time.now);
  const events: { type: string }[] = [];
  const onEvent = (event: { type: string }) => events.push(event);
  const token = identityToken({ ...about, base, fetch: sts.fetch, now: time.now, onEvent });
  await token();
  sts.refusal = [403, "AccessDenied"];
  time.forward(275);
  expect(await token()).toBe("a.b.1");
  expect(events[1]).toMatchObject({ type: "token_failed", isEarly: true, code: "sts_denied" });
  time.forward(20);
  await expect(token()).rejects.toMatchObject({ code: "sts_denied", action: "GetWebIdentityToken" });
});

test("a clock that is some minutes off, for which STS refuses nothing, is set right by its answer's date", async () => {
  for (const ahead of [600, -600]) {
    const time = clock();
    const sts = issuer(time.now);
    const dated = async (url: string, init: RequestInit) => {
      const answer = (await (sts.fetch as (url: string, init: RequestInit) => Promise<Response>)(
        url,
        init,
      )) as Response;
      return new Response(await answer.text(), { headers: { date: time.now().toUTCString() } });
    };
    const now = () => new Date(time.now().getTime() + ahead * 1000);
    const token = identityToken({ ...about, base, fetch: dated as never as Fetch, now });
    expect([await token(), await token(), sts.calls]).toEqual(["a.b.1", "a.b.1", 1]);
  }
});

test("a date in another form than that of servers says nothing of the time", async () => {
  for (const date of ["5", "2020-01-01", "Fri Nov 27 2020 00:00:00", "Fri, 27 Nov 2020 00:00:00", "Fri, 27 Nov 2020"]) {
    const sts = issuer();
    const dated = async (url: string, init: RequestInit) => {
      const answer = await (sts.fetch as (url: string, init: RequestInit) => Promise<Response>)(url, init);
      return new Response(await answer.text(), { headers: { date } });
    };
    const events: { type: string }[] = [];
    const onEvent = (event: { type: string }) => events.push(event);
    await identityToken({ ...about, base, fetch: dated as never as Fetch, onEvent })();
    expect([date, ...events.map(({ type }) => type)]).toEqual([date, "token_made"]);
  }
});

test("a token is asked for no longer than the credentials live", async () => {
  const time = clock();
  const sts = issuer(time.now);
  for (const seconds of [1000, 300, 200, 30]) {
    const expiration = new Date(time.now().getTime() + seconds * 1000);
    await identityToken({ ...about, base: { ...base, expiration }, fetch: sts.fetch, now: time.now })();
  }
  expect(sts.forms.map((form) => form.get("DurationSeconds"))).toEqual(["300", "300", "200", "60"]);
});

test("what STS refuses says what to do", async () => {
  const sts = issuer();
  for (const [awsCode, code, hint] of [
    ["OutboundWebIdentityFederationDisabledException", "sts_denied", /enable-outbound-web-identity-federation/],
    ["SessionDurationEscalationException", "sts_invalid", /fewer seconds/],
    ["JWTPayloadSizeExceededException", "sts_invalid", /tags/],
  ] as const) {
    sts.refusal = [403, awsCode];
    const error: unknown = await identityToken({ ...about, base, fetch: sts.fetch })().catch((error) => error);
    expect(error).toBeInstanceOf(XacctSignError);
    expect(error).toMatchObject({ code, awsCode, action: "GetWebIdentityToken", hint: expect.stringMatching(hint) });
    expect(inspect(error)).not.toMatch(/base-token|"secret"/);
  }
});

test("the environment names credentials and endpoint", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4566");
  vi.stubEnv("AWS_ACCESS_KEY_ID", base.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", base.secretAccessKey);
  vi.stubEnv("AWS_SESSION_TOKEN", base.sessionToken);
  const sts = issuer();
  expect(await identityToken({ ...about, fetch: sts.fetch })()).toBe("a.b.1");
  expect(sts.urls).toEqual(["http://127.0.0.1:4566/"]);
  // What else the environment may have is had by this module, too.
  vi.stubEnv("AWS_ACCESS_KEY_ID", "");
  vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
  await expect(identityToken({ ...about, fetch: sts.fetch })()).rejects.toMatchObject({ code: "transport" });
  await expect(fromContainer()()).rejects.toMatchObject({ code: "transport" });
});

test("a host that is named gets the call over plain http", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://localstack:4566");
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const sts = issuer();
  expect(thrown(() => identityToken({ ...about, base, fetch: sts.fetch }))).toMatchObject({ code: "insecure_url" });
  await identityToken({ ...about, base, fetch: sts.fetch, allowHttpHosts: ["localstack"] })();
  expect(sts.urls).toEqual(["http://localstack:4566/"]);
});

test("a proof is made without a call, and used again for a while", async () => {
  const time = clock();
  const proof = identityProof({ ...about, base, now: time.now });
  const first = await proof();
  const [start, encoded] = first.split(".") as [string, string];
  const values = JSON.parse(Buffer.from(encoded, "base64url").toString());
  expect(start).toBe("xacct1");
  expect(Object.keys(values)).toEqual(["region", "key", "date", "token", "signature"]);
  expect(values).toMatchObject({
    region: "us-east-1",
    key: base.accessKeyId,
    date: "20261124T000000Z",
    token: "base-token",
  });
  time.forward(149);
  expect(await proof()).toBe(first);
  time.forward(1);
  expect(await proof()).not.toBe(first);
});

test("other credentials make another proof, and some make none", async () => {
  const time = clock();
  let now: object = base;
  const proof = identityProof({ ...about, base: async () => now as typeof base, now: time.now });
  const first = await proof();
  now = { ...base, sessionToken: "other" };
  expect(await proof()).not.toBe(first);
  now = { ...base, sessionToken: undefined };
  await expect(proof()).rejects.toMatchObject({ code: "invalid_credentials" });
  now = { ...base, expiration: time.now() };
  await expect(proof()).rejects.toMatchObject({ code: "credentials_expired" });
});

test("tokens and proofs have one rule for audiences", () => {
  const user = "https://user:password@api.example.com";
  for (const audience of ["a b", "a\nb", "ü", "a".repeat(1001), 'a"b', "$" + "{aws:username}", user]) {
    const token = thrown(() => identityToken({ ...about, audience, base })) as XacctSignError;
    expect(token, audience).toMatchObject({ code: "invalid_option", message: expect.stringMatching(/^the audience /) });
    const { code, message, hint } = token;
    expect(
      thrown(() => identityProof({ ...about, audience, base })),
      audience,
    ).toMatchObject({ code, message, hint });
    expect(token.message).not.toContain("password");
  }
});

test("a region that is left out is the base's, else the environment's", async () => {
  const { audience, region } = about;
  const roleArn = "arn:aws:iam::111111111111:role/Api";
  const role = (region?: string) => assumeRole({ roleArn, region, base, fetch: fakeSts().fetch });
  for (const variable of ["AWS_REGION", "AWS_DEFAULT_REGION"]) {
    vi.stubEnv(variable, "eu-west-1");
    for (const [options, expected] of [
      [{ region, base: role("eu-central-1") }, region],
      [{ base: role("eu-central-1") }, "eu-central-1"],
      [{ base: role() }, "eu-west-1"],
      [{ base }, "eu-west-1"],
      [{ base: async () => base }, "eu-west-1"],
    ] as const) {
      const [, proof = ""] = (await identityProof({ audience, ...options })()).split(".");
      expect(JSON.parse(Buffer.from(proof, "base64url").toString())).toMatchObject({ region: expected });
      const sts = issuer();
      await identityToken({ audience, fetch: sts.fetch, ...options })();
      expect(sts.urls).toEqual([`https://sts.${expected}.amazonaws.com/`]);
    }
    vi.unstubAllEnvs();
  }
  expect(thrown(() => identityToken({ audience, base }))).toMatchObject({
    code: "invalid_region",
    hint: "give a region, such as `ap-northeast-1`, or set AWS_REGION",
  });
});

test("options that cannot work are refused at once", () => {
  for (const [options, code, hint] of [
    [undefined, "invalid_option"],
    [{ ...about, audience: "" }, "invalid_option"],
    [{ ...about, audience: undefined }, "invalid_option"],
    [{ ...about, region: undefined }, "invalid_region"],
    [{ ...about, region: "us-east-1/x" }, "invalid_region", "give a region's name, such as `ap-northeast-1`"],
    [{ ...about, region: "tokyo" }, "invalid_region", "give the region whose STS is asked, such as `ap-northeast-1`"],
    [{ ...about, region: "us-iso-east-9" }, "unknown_partition"],
    [{ ...about, durationSeconds: 59 }, "invalid_duration", "use 60 to 3600 seconds"],
    [{ ...about, durationSeconds: -1 }, "invalid_duration"],
    [{ ...about, durationSeconds: 1e20 }, "invalid_duration"],
    [{ ...about, durationSeconds: "300" }, "invalid_duration", "use 60 to 3600 seconds"],
    [{ ...about, algorithm: "HS256" }, "invalid_option"],
    [{ ...about, base: "key" }, "invalid_credentials"],
    [{ ...about, fetch: 1 }, "invalid_option"],
    [{ ...about, roleArn: "arn" }, "invalid_option"],
  ] as const) {
    expect(
      thrown(() => identityToken(options as never)),
      inspect(options),
    ).toMatchObject(hint === undefined ? { code } : { code, hint });
  }
  for (const [options, code] of [
    [{ ...about, region: "tokyo" }, "invalid_region"],
    [{ ...about, region: "us-iso-east-9" }, "unknown_partition"],
    [{ ...about, durationSeconds: 300 }, "invalid_option"],
    [{ ...about, now: 1 }, "invalid_option"],
  ] as const) {
    expect(
      thrown(() => identityProof(options as never)),
      inspect(options),
    ).toMatchObject({ code });
  }
});

test("`Bearer` before the token is told to be too much", async () => {
  for (const given of ["Bearer abc", "bearer abc"]) {
    const call = createFetch({ identity: async () => given, fetch: async () => new Response() });
    await expect(call("https://api.example.com/")).rejects.toMatchObject({
      code: "invalid_option",
      message: "the identity gave `Bearer` before its token",
      hint: "let it give the token alone: `Bearer` is written before it",
    });
  }
});

test("an abort ends the waiting, and nothing for the others", async () => {
  const sts = issuer();
  const token = identityToken({ ...about, base, fetch: sts.fetch });
  await expect(token({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  expect(await token()).toBe("a.b.1");
});

/** A server that answers 200, or redirects as the query says; and what it saw. */
function server() {
  const seen: { url: string; method: string; headers: Headers; body: unknown }[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    seen.push({ url, method: init.method ?? "", headers: new Headers(init.headers), body: init.body });
    const location = new URL(url).searchParams.get("to");
    return location === null ? new Response("ok") : new Response(null, { status: 307, headers: { location } });
  }) as never as Fetch;
  return { seen, fetch };
}

test("createFetch says who calls, and signs nothing", async () => {
  const { seen, fetch } = server();
  const api = createFetch({ identity: async () => "a.b.c", baseUrl: "https://api.example.com/v1", fetch });
  await api("/orders?b=2&a=1", { method: "POST", body: "x", headers: { authorization: "Basic eDp5" } });
  expect(seen[0]).toMatchObject({ url: "https://api.example.com/v1/orders?a=1&b=2", method: "POST" });
  expect(Object.fromEntries(seen[0]?.headers ?? [])).toEqual({
    authorization: "Bearer a.b.c",
    "content-type": "text/plain;charset=UTF-8",
  });
});

test("it stands in a header of one's choice", async () => {
  const { seen, fetch } = server();
  const api = createFetch({ identity: async () => "a.b.c", identityHeader: "X-Caller", fetch });
  await api("https://api.example.com/", { headers: { authorization: "Basic eDp5" } });
  expect(Object.fromEntries(seen[0]?.headers ?? [])).toEqual({
    authorization: "Basic eDp5",
    "x-caller": "Bearer a.b.c",
  });
});

test("streams go through as they are", async () => {
  const { seen, fetch } = server();
  const api = createFetch({ identity: async () => "a.b.c", fetch });
  const body = new Blob(["streamed"]).stream();
  await api("https://api.example.com/", { method: "POST", body, duplex: "half" } as RequestInit);
  expect(seen[0]?.body).toBeInstanceOf(ReadableStream);
});

test("an identity goes to no other origin, and over no plain http", async () => {
  const { seen, fetch } = server();
  const api = createFetch({ identity: async () => "a.b.c", fetch });
  expect((await api("https://api.example.com/?to=/other")).status).toBe(200);
  for (const to of ["https://evil.example.com/", "http://api.example.com/", "https://api.example.com:444/"]) {
    expect((await api(`https://api.example.com/?to=${encodeURIComponent(to)}`)).status, to).toBe(307);
  }
  expect(seen.every(({ url }) => url.startsWith("https://api.example.com/"))).toBe(true);
  expect(seen.length).toBe(5);
  await expect(api("http://api.example.com/")).rejects.toMatchObject({
    code: "insecure_url",
    message: expect.not.stringContaining("signed"),
  });
  expect((await api("http://127.0.0.1:8000/")).status).toBe(200);
});

test("an identity that fails, or gives none", async () => {
  const { seen, fetch } = server();
  const call = (identity: () => unknown) =>
    createFetch({ identity: identity as () => Promise<string>, fetch })("https://api.example.com/");
  const fails = async () => {
    throw new Error("no network");
  };
  await expect(call(fails)).rejects.toMatchObject({
    code: "credentials_not_found",
    message: expect.stringMatching(/no network/),
  });
  for (const none of [undefined, "", "a b", "a\nb", 1, { token: "a" }]) {
    await expect(
      call(() => none),
      inspect(none),
    ).rejects.toMatchObject({ code: "invalid_option" });
  }
  const sts = issuer();
  sts.refusal = [403, "AccessDenied"];
  await expect(call(identityToken({ ...about, base, fetch: sts.fetch }))).rejects.toMatchObject({ code: "sts_denied" });
  expect(seen).toEqual([]);
});

test.each(["sec-x", "Sec-Fetch-Mode", "set-cookie", "Content-Type", "cookie"])(
  "no identity stands in a header that clients set themselves: %j",
  (identityHeader) => {
    const make = () => createFetch({ identity: async () => "a.b.c", identityHeader });
    expect(thrown(make)).toMatchObject({
      code: "invalid_header",
      message: `\`identityHeader\` is \`${identityHeader.toLowerCase()}\`, which HTTP clients and proxies keep for themselves`,
      hint: "leave it out for `authorization`",
    });
  },
);

const OF_PROXIES = ["Proxy-Authorization", "proxy-authenticate", "proxy-connection"];

test.each(["", "a b", "Host", "content-length", "Transfer-Encoding", "connection", ...OF_PROXIES])(
  "no identity stands in a header of the connection: %j",
  (identityHeader) => {
    const make = () => createFetch({ identity: async () => "a.b.c", identityHeader });
    expect(thrown(make)).toMatchObject({ code: "invalid_header", hint: "leave it out for `authorization`" });
  },
);

test("beside an identity there is nothing that signs", () => {
  const identity = async () => "a.b.c";
  for (const other of [
    { roleArn: "arn:aws:iam::111111111111:role/Api" },
    { roleArn: undefined },
    { credentials: base },
    { region: "us-east-1" },
    { service: "lambda" },
    { base },
    { unsignedPayload: true },
  ]) {
    expect(
      thrown(() => createFetch({ identity, ...other })),
      inspect(other),
    ).toMatchObject({ code: "invalid_option" });
  }
  expect(thrown(() => createFetch({ identity: "token" as never }))).toMatchObject({ code: "invalid_option" });
  for (const none of [undefined, null]) {
    expect(thrown(() => createFetch({ identity: none as never }))).toMatchObject({
      code: "role_not_given",
      hint: expect.stringContaining("`identity` is not given either: give what `identityToken`"),
    });
  }
  expect(thrown(() => createFetch({ credentials: base, identityHeader: "x" }))).toMatchObject({
    code: "invalid_option",
  });
});
