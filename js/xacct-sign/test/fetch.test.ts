import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { assumeRole, canonicalUrl, createFetch, fromEnv, Signer, XacctSignError } from "xacct-sign";
import { fakeSts } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
let server: Server;
let base: string;
const seen: IncomingMessage[] = [];
const bodies: string[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push(request);
    bodies.push(body);
    const [, status, target] = /^\/(30\d)\?to=(.*)/.exec(request.url ?? "") ?? [];
    if (status === undefined) response.end(body);
    else response.writeHead(Number(status), { location: decodeURIComponent(target as string) }).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

test("bodies are sent as they were signed", async () => {
  const call = createFetch({ credentials, region });
  const form = new FormData();
  form.set("a", "b");
  for (const body of ["é", new Uint8Array([65]), new URLSearchParams({ a: "b" }), new Blob(["x"]), form]) {
    expect((await call(`${base}/a`, { method: "PUT", body: body as never })).status).toBe(200);
    expect(seen.at(-1)?.headers.authorization).toContain("Signature=");
  }
  const boundary = /boundary=(.*)/.exec(seen.at(-1)?.headers["content-type"] ?? "")?.[1];
  expect(bodies.at(-1)).toContain(boundary);
});

test("a Request, over which init wins", async () => {
  const call = createFetch({ credentials, region });
  const answer = await call(new Request(`${base}/a`, { method: "POST", body: "a" }), { body: "b" });
  expect([seen.at(-1)?.method, await answer.text()]).toEqual(["POST", "b"]);
});

test("redirects within the origin are signed anew", async () => {
  const call = createFetch({ credentials, region });
  const before = seen.length;
  const answer = await call(`${base}/302?to=/b`, { method: "POST", body: "a" });
  const [first, second] = seen.slice(before);
  expect([answer.status, second?.method, second?.url]).toEqual([200, "GET", "/b"]);
  expect(second?.headers.authorization).not.toBe(first?.headers.authorization);
  expect((await call(`${base}/307?to=/b`, { method: "PUT", body: "a" })).status).toBe(200);
  expect(bodies.at(-1)).toBe("a");
  expect((await call(`${base}/302?to=${encodeURIComponent("https://example.org/")}`)).status).toBe(302);
  expect((await call(`${base}/302?to=/b`, { redirect: "manual" })).status).toBe(302);
});

test("errors", async () => {
  const call = createFetch({ credentials, region });
  await expect(call("http://example.org/")).rejects.toMatchObject({ code: "insecure_url" });
  await expect(call(`${base}/`, { method: "PUT", body: new ReadableStream() })).rejects.toMatchObject({
    code: "invalid_body",
  });
  await expect(call("http://127.0.0.1:1/")).rejects.toMatchObject({ code: "transport" });
  await expect(call(`${base}/`, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  expect(() => createFetch({ region, credentials, externalId: "abc" })).toThrow(
    expect.objectContaining({ code: "invalid_option" }),
  );
});

test("what is repeated is signed as it is sent", async () => {
  const call = createFetch({ credentials, region });
  const sent = async (headers: unknown) => {
    const before = seen.length;
    await call(`${base}/a`, { headers: headers as never });
    const { authorization, ...rest } = seen[before]?.headers ?? {};
    const url = canonicalUrl(`${base}/a`);
    const date = rest["x-amz-date"] as string;
    const now = new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
    const names = /SignedHeaders=([^,]*)/.exec(authorization ?? "")?.[1]?.split(";") ?? [];
    const signed = Object.fromEntries(names.filter((name) => name !== "host").map((name) => [name, rest[name]]));
    const again = new Signer({ credentials, region }).sign("GET", url, { headers: signed as never, now });
    expect(authorization).toBe(again.authorization);
    return signed;
  };
  expect(await sent({ "x-a": ["1", 2], "x-b": undefined, "x-c": true })).toMatchObject({
    "x-a": "1, 2",
    "x-c": "true",
  });
  expect(await sent([["x-a", "1"], ["X-A", "2"]])).toMatchObject({ "x-a": "1, 2" }); // biome-ignore format: pairs
  expect(await sent({ constructor: "1", valueOf: "2" })).toMatchObject({ constructor: "1", valueof: "2" });
  expect(await sent({ "content-length": "7", connection: "close", expect: "100-continue" })).not.toHaveProperty(
    "expect",
  );
});

test("init wins where it says something, a Request included", async () => {
  const call = createFetch({ credentials, region });
  const request = () => new Request(`${base}/a`, { method: "DELETE", headers: { "x-a": "1" } });
  for (const init of [undefined, {}, { method: undefined }, { signal: undefined, headers: undefined }]) {
    await call(request(), init as never);
    expect([seen.at(-1)?.method, seen.at(-1)?.headers["x-a"]]).toEqual(["DELETE", "1"]);
  }
  await call(`${base}/a`, request());
  expect([seen.at(-1)?.method, seen.at(-1)?.headers["x-a"]]).toEqual(["DELETE", "1"]);
  await call(`${base}/a`, Object.create({ method: "DELETE" }));
  expect(seen.at(-1)?.method).toBe("DELETE");
  const given = { method: "PUT", headers: { a: "1" }, body: "a", redirect: "follow" as const };
  await call(`${base}/a`, Object.freeze({ ...given, headers: Object.freeze(given.headers) }));
  const posted = new Request(`${base}/a`, { method: "POST", body: "a" });
  await call(posted);
  expect(await posted.text()).toBe("a");
});

test("the body is that of the call's moment", async () => {
  const call = createFetch({ credentials, region });
  const body = new TextEncoder().encode("abc");
  const answer = call(`${base}/a`, { method: "PUT", body });
  body.fill(88);
  expect(await (await answer).text()).toBe("abc");
});

test("options are those of the moment they are given", async () => {
  const options = { credentials, region };
  const call = createFetch(options);
  options.region = "not a region";
  expect((await call(`${base}/a`)).status).toBe(200);
});

test("redirects: methods, limits, modes", async () => {
  const call = createFetch({ credentials, region });
  for (const [status, method, expected] of [
    [301, "POST", "GET"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [308, "POST", "POST"],
  ] as const) {
    const body = method === "HEAD" || method === "DELETE" ? undefined : "a";
    await call(`${base}/${status}?to=/b`, { method, body, headers: { "content-type": "text/plain" } });
    expect([status, seen.at(-1)?.method, seen.at(-1)?.url]).toEqual([status, expected, "/b"]);
    if (expected === "GET") expect(seen.at(-1)?.headers).not.toHaveProperty("content-type");
  }
  const loop = createFetch({
    credentials,
    region,
    fetch: (async () => new Response(null, { status: 307, headers: { location: "/" } })) as never,
  });
  await expect(loop(`${base}/`)).rejects.toMatchObject({ code: "too_many_redirects" });
  await expect(call(`${base}/302?to=/b`, { redirect: "error" })).rejects.toMatchObject({
    code: "too_many_redirects",
    retryable: false,
  });
  expect((await call(`${base}/a`, { redirect: "error" })).status).toBe(200);
});

test.each([
  ["UTF-8", "/\u00c3\u00a9", "/%C3%A9"],
  ["ISO 8859-1", "/\u00e9", "/%C3%A9"],
  ["text already", "/\u65e5\u00e9", "/%E6%97%A5%C3%A9"],
])("a location beyond ASCII: %s", async (_, location, path) => {
  const urls: string[] = [];
  const answers = [{ status: 307, headers: { get: () => location } }, new Response()];
  const fetch = (async (url: string) => {
    urls.push(url);
    return answers.shift();
  }) as never;
  await createFetch({ credentials, region, fetch })("https://api.example.com/");
  expect(urls[1]).toBe(`https://api.example.com${path}`);
});

test("after ten redirects one to another origin is the answer", async () => {
  let calls = 0;
  const fetch = (async () => {
    calls += 1;
    return new Response(null, { status: 302, headers: { location: calls <= 10 ? "/" : "https://example.org/" } });
  }) as never;
  expect((await createFetch({ credentials, region, fetch })("https://api.example.com/")).status).toBe(302);
  expect(calls).toBe(11);
});

test("options of a class are options", async () => {
  const sts = fakeSts();
  class Settings {
    region = region;
    base = credentials;
    fetch = sts.fetch;
    get roleArn() {
      return "arn:aws:iam::111111111111:role/Api";
    }
  }
  await createFetch(new Settings())("https://api.example.com/").catch(() => {});
  expect(sts.forms[0]?.get("RoleArn")).toBe("arn:aws:iam::111111111111:role/Api");
  const throwing = {
    region,
    get credentials() {
      throw new Error("no");
    },
  };
  expect(() => createFetch(throwing as never)).toThrow(expect.objectContaining({ code: "invalid_option" }));
});

test("c2: nobody signs as oneself by accident", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDOWN");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
  const error = { code: "role_not_given", message: "no role to assume is given" };
  expect(() => createFetch({ region })).toThrow(expect.objectContaining(error));
  expect((await createFetch({ region, credentials: fromEnv() })(`${base}/a`)).status).toBe(200);
  expect(seen.at(-1)?.headers.authorization).toContain("Credential=AKIDOWN/");
  vi.unstubAllEnvs();
});

test("c11: a URL that is signed is not signed again", async () => {
  const signer = new Signer({ credentials, region });
  const link = signer.presign("GET", `${base}/a?b=1`);
  const call = createFetch({ credentials, region });
  const before = seen.length;
  const code = { code: "already_signed", hint: expect.stringMatching(/./) };
  for (const url of [link, `${base}/?X-Amz%2DSignature=0`, `${base}/?X-Amz-Signature`]) {
    expect(() => signer.sign("GET", url)).toThrow(expect.objectContaining(code));
    await expect(signer.signRequest(new Request(url))).rejects.toMatchObject(code);
    await expect(call(url)).rejects.toMatchObject(code);
  }
  expect(seen.length).toBe(before);
  const now = new Date();
  expect(signer.presign("GET", signer.presign("GET", link, { now }), { now })).toBe(
    signer.presign("GET", link, { now }),
  );
  // A redirect to one is the answer.
  const answer = await call(`${base}/302?to=${encodeURIComponent("/b?X-Amz-Signature=0")}`);
  expect([answer.status, seen.length]).toEqual([302, before + 1]);
});

test("c9: options are not read through the prototype of all objects", async () => {
  const polluted = Object.prototype as Record<string, unknown>;
  const signer = new Signer({ credentials, region });
  const now = new Date();
  const plain = signer.sign("GET", `${base}/a`, { now });
  const evil = {
    roleArn: "arn:aws:iam::222222222222:role/Evil",
    service: "s3",
    stsEndpoint: "https://evil.example.com",
    fetch: () => Promise.reject(new Error("evil")),
    sessionToken: "evil",
    headers: { "x-evil": "1" },
    expiresIn: 1,
  };
  try {
    for (const [name, value] of Object.entries(evil)) {
      Object.defineProperty(polluted, name, { value, configurable: true });
    }
    expect(new Signer({ credentials, region }).sign("GET", `${base}/a`, { now })).toEqual(plain);
    expect(signer.presign("GET", `${base}/a`, { now })).toContain("X-Amz-Expires=900");
    expect(() => createFetch({ region })).toThrow(expect.objectContaining({ code: "role_not_given" }));
  } finally {
    for (const name of Object.keys(evil)) delete polluted[name];
  }
});

test("c9: the value of an invalid header is not shown", async () => {
  const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const call = createFetch({ credentials, region });
  const invalid: Record<string, string>[] = [
    { "x-a": `${secret}\n` },
    { "x-a": `${secret}é` },
    { "x-a": `${secret}日` },
    { [`${secret}/`]: "a" },
    { [secret.replace(/[/+]/g, "")]: "a\n" },
  ];
  for (const headers of invalid) {
    const thrown: unknown[] = [];
    await call(`${base}/a`, { headers }).catch((error) => thrown.push(error));
    try {
      new Signer({ credentials, region }).sign("GET", `${base}/a`, { headers });
    } catch (error) {
      thrown.push(error);
    }
    expect(thrown[0]).toMatchObject({ code: "invalid_header", hint: expect.stringMatching(/./) });
    for (const error of thrown) expect(inspect(error, { depth: null })).not.toContain(secret.slice(0, 12));
  }
  // Of many headers it is this one, however long its name.
  const name = "x-very-long-header-name-of-my-company-trace";
  await expect(call(`${base}/a`, { headers: { [name]: "a\nb" } })).rejects.toThrow(name);
});

test("a Request in place of init, as a proxy passes one on", async () => {
  const call = createFetch({ credentials, region });
  const incoming = new Request(`${base}/in`, {
    method: "POST",
    body: "x",
    headers: { host: "a", "sec-a": "b", "x-a": "1" },
  });
  const answer = await call(`${base}/a`, incoming);
  expect([answer.status, await answer.text(), seen.at(-1)?.url, seen.at(-1)?.headers["x-a"]]).toEqual([
    200,
    "x",
    "/a",
    "1",
  ]);
});

test("a signal of null takes a Request's away", async () => {
  const call = createFetch({ credentials, region });
  const aborted = () => new Request(`${base}/a`, { signal: AbortSignal.abort() });
  await expect(call(aborted())).rejects.toMatchObject({ name: "AbortError" });
  expect((await call(aborted(), { signal: null })).status).toBe(200);
});

test("an abort ends the waiting for a fetch that knows no signals, and for a body", async () => {
  const reason = new Error("enough");
  const endless = () => new ReadableStream({ pull: () => new Promise(() => {}) });
  const deaf = createFetch({ credentials, region, fetch: (() => new Promise(() => {})) as never });
  const call = createFetch({ credentials, region });
  for (const start of [
    (signal: AbortSignal) => deaf("https://api.example.com/", { signal }),
    (signal: AbortSignal) =>
      call(new Request(`${base}/a`, { method: "PUT", body: endless(), duplex: "half" } as never), { signal }),
  ]) {
    const controller = new AbortController();
    const outcome = start(controller.signal).catch((error) => error);
    setTimeout(() => controller.abort(reason), 10);
    expect(await outcome).toBe(reason);
  }
});

test("credentials that have expired are not signed with", async () => {
  const expired = { ...credentials, sessionToken: "t", expiration: new Date(0) };
  for (const given of [expired, async () => expired]) {
    await expect(createFetch({ credentials: given, region })(`${base}/a`)).rejects.toMatchObject({
      code: "credentials_expired",
    });
  }
  const now = () => new Date(-1e15);
  await expect(createFetch({ credentials, region, now })(`${base}/a`)).rejects.toMatchObject({ code: "invalid_time" });
});

test("answers of another fetch that have less", async () => {
  const answers = [
    { status: 302 },
    { status: 302, headers: new Headers({ location: "/b" }), body: {} },
    { status: 200 },
  ];
  const call = createFetch({ credentials, region, fetch: (async () => answers.shift()) as never });
  expect((await call("https://api.example.com/")).status).toBe(302);
  expect((await call("https://api.example.com/")).status).toBe(200);
});

test("a redirect elsewhere carries nothing there", async () => {
  let visits = 0;
  const other = createServer((_, response) => {
    visits += 1;
    response.end();
  });
  await new Promise<void>((listening) => other.listen(0, "127.0.0.1", listening));
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  const call = createFetch({ credentials, region });
  const answer = await call(`${base}/307?to=${encodeURIComponent(elsewhere)}`, { method: "PUT", body: "a" });
  other.close();
  expect([answer.status, visits]).toEqual([307, 0]);
});

test("an unsigned payload, where the service takes it: streams too", async () => {
  const call = createFetch({ credentials, region, service: "s3", unsignedPayload: true });
  const stream = new Blob(["streamed"]).stream();
  expect(await (await call(`${base}/a`, { method: "PUT", body: stream })).text()).toBe("streamed");
  expect(seen.at(-1)?.headers["x-amz-content-sha256"]).toBe("UNSIGNED-PAYLOAD");
  const request = new Request(`${base}/a`, { method: "PUT", body: new Blob(["in"]).stream(), duplex: "half" } as never);
  expect(await (await call(request)).text()).toBe("in");
  async function* parts() {
    yield new TextEncoder().encode("a");
  }
  // A body that is spent is not sent again.
  const answer = await call(`${base}/307?to=/b`, { method: "PUT", body: parts() as never });
  expect(answer.status).toBe(307);
  const gateway = createFetch({ credentials, region, unsignedPayload: true });
  await expect(gateway(`${base}/a`, { method: "PUT", body: "a" })).rejects.toMatchObject({ code: "unsigned_payload" });
});

test("an API that does not answer", async () => {
  vi.useFakeTimers();
  const fetch = ((_: string, { signal }: RequestInit) =>
    new Promise((_fulfil, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    })) as never;
  const outcome = createFetch({ credentials, region, fetch })("https://api.example.com/").catch((error) => error);
  await vi.advanceTimersByTimeAsync(35_000);
  vi.useRealTimers();
  expect(await outcome).toMatchObject({ code: "timeout", retryable: true });
});

test("an abort comes through as its reason, whatever fetch throws", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const fetch = (async () => {
    controller.abort(reason);
    throw new TypeError("socket");
  }) as never;
  const call = createFetch({ credentials, region, fetch });
  await expect(call("https://api.example.com/", { signal: controller.signal })).rejects.toBe(reason);
});

test("wrong input is refused before anything is sent, with what to do", async () => {
  let sent = 0;
  const fetch = (async () => {
    sent += 1;
    return new Response();
  }) as never;
  const sts = fakeSts();
  const counting = async (...given: Parameters<typeof sts.fetch>) => sts.fetch(...given);
  const roleArn = "arn:aws:iam::111111111111:role/Api";
  const provider = assumeRole({ roleArn, region, base: credentials, fetch: counting as never });
  const call = createFetch({ credentials: provider, region, fetch });
  const url = "https://api.example.com/";
  const used = new Request(url, { method: "PUT", body: "a" });
  await used.text();
  const detached = new ArrayBuffer(1);
  structuredClone(detached, { transfer: [detached] });
  for (const [code, input, init] of [
    ["invalid_url", "/a", undefined],
    ["invalid_url", 5, undefined],
    ["invalid_url", {}, undefined],
    ["invalid_url", undefined, undefined],
    ["insecure_url", "http://api.example.com/", undefined],
    ["invalid_url", "wss://api.example.com/", undefined],
    ["invalid_url", "https://api.example.com\\@other.example.com/", undefined],
    ["invalid_url", "https://1.2.3.4.5/", undefined],
    ["invalid_url", "https://2130706433/", undefined],
    ["invalid_option", url, 5],
    ["invalid_option", url, { mode: "bad" }],
    ["invalid_option", url, { signal: 5 }],
    ["invalid_option", url, { redirect: "bad" }],
    ["invalid_method", url, { method: "CONNECT" }],
    ["invalid_method", url, { method: "GE T" }],
    ["invalid_method", url, { method: "GET\n" }],
    ["invalid_header", url, { headers: { a: "b\nc" } }],
    ["invalid_header", url, { headers: { "a b": "c" } }],
    ["invalid_header", url, { headers: { a: "é" } }],
    ["invalid_header", url, { headers: { a: {} } }],
    ["invalid_header", url, { headers: [["a"]] }],
    ["invalid_header", url, { headers: 5 }],
    ["invalid_header", url, { headers: { host: "other.example.com" } }],
    ["invalid_header", url, { headers: { "sec-fetch-mode": "navigate" } }],
    ["invalid_body", url, { body: "a" }],
    ["invalid_body", url, { method: "PUT", body: {} }],
    ["invalid_body", url, { method: "PUT", body: 5 }],
    ["invalid_body", url, { method: "PUT", body: new SharedArrayBuffer(1) }],
    ["invalid_body", url, { method: "PUT", body: detached }],
    ["invalid_body", url, { method: "PUT", body: new ReadableStream() }],
    ["invalid_body", used, undefined],
  ] as const) {
    const error: unknown = await call(input as never, init as never).then(
      () => "was sent",
      (thrown) => thrown,
    );
    expect(error, `${code} ${String(input)}`).toBeInstanceOf(XacctSignError);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/./), retryable: false });
  }
  expect([sent, sts.calls]).toEqual([0, 0]);
});

test.each([
  ["invalid_option", undefined],
  ["invalid_option", { region, rolearn: "x" }],
  ["invalid_option", { region, credentials, roleArn: "arn:aws:iam::111111111111:role/Api" }],
  ["invalid_option", { region, credentials, externalId: "abc" }],
  ["invalid_option", { region, unsignedPayload: "yes" }],
  ["invalid_option", { region, fetch: 5 }],
  ["invalid_option", { region, now: 5 }],
  ["role_not_given", { region }],
  ["role_not_given", { region, roleArn: undefined }],
  ["role_not_given", { region, roleArn: null }],
  ["role_not_given", { region, roleArn: "" }],
  ["role_not_given", { region, credentials: undefined }],
  ["role_not_given", { region, credentials: null }],
  ["role_not_given", { region, credentials: "" }],
  ["role_not_given", { region, roleArn: undefined, credentials }],
  ["role_not_given", { region, roleArn: "", credentials }],
  ["role_not_given", { region, base: credentials }],
  ["invalid_region", { credentials, region: null }],
  ["invalid_region", { credentials, region: "" }],
  ["invalid_region", { credentials, region: "us-east-1/x" }],
  ["invalid_service", { credentials, region, service: "a/b" }],
])("%s at once: %j", (code, options) => {
  expect(() => createFetch(options as never)).toThrow(
    expect.objectContaining({ name: "XacctSignError", code, hint: expect.stringMatching(/./) }),
  );
});
