// Where a call may go: behind a base, and over plain http to hosts that are named. What a base does on the wire is
// `tests/flows.toml`.

import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, Signer, type XacctSignEvent } from "xacct-sign";
import { fakeSts } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
const roleArn = "arn:aws:iam::111111111111:role/Api";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** A `fetch` that notes where it was called. */
function noting(location?: string) {
  const urls: string[] = [];
  const fetch = (async (url: string) => {
    urls.push(url);
    const headers = location !== undefined && urls.length === 1 ? { location } : undefined;
    return new Response("", headers === undefined ? {} : { status: 307, headers });
  }) as never;
  return { urls, fetch };
}

test("a base takes a URL and a Request, too, and a base may be a URL", async () => {
  const { urls, fetch } = noting();
  const call = createFetch({ credentials, region, baseUrl: new URL("https://api.example.com/v1/"), fetch });
  await call("hoge");
  await call(new URL("https://api.example.com/other"));
  await call(new Request("https://api.example.com/asked", { method: "PUT", body: "a" }));
  await expect(call(new Request("https://other.example.com/"))).rejects.toMatchObject({ code: "origin_mismatch" });
  await expect(call(new URL("https://api.example.com:8443/"))).rejects.toMatchObject({ code: "origin_mismatch" });
  await expect(call(5 as never)).rejects.toMatchObject({ code: "invalid_url" });
  expect(urls).toEqual(
    ["hoge", "other", "asked"].map((path, at) => `https://api.example.com/${at ? "" : "v1/"}${path}`),
  );
});

test("a refusal names the place and what to do, and no secret", async () => {
  const call = createFetch({ credentials, region, baseUrl: "https://api.example.com" });
  for (const url of ["https://me:MARKER@other.example.com/a?token=MARKER", "//other.example.com/?MARKER"]) {
    const error = await call(url).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "origin_mismatch", hint: expect.stringMatching(/./), retryable: false });
    expect(`${error.message}${error.hint}`).not.toContain("MARKER");
  }
  await expect(call("https://other.example.com/")).rejects.toThrow(
    "`https://other.example.com` lies outside the base URL's origin",
  );
});

test.each([5, null, {}, "", "/v1", "https://", "https://api.example.com\\@other.example.com", "https://2130706433/"])(
  "a base that is none is refused at once: %j",
  (baseUrl) => {
    expect(() => createFetch({ credentials, region, baseUrl: baseUrl as never })).toThrow(
      expect.objectContaining({ code: "invalid_endpoint", hint: expect.stringMatching(/./) }),
    );
  },
);

test("c12: plain http goes to named hosts alone, each told of once", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const events: XacctSignEvent[] = [];
  const { urls, fetch } = noting();
  const allowHttpHosts = ["LocalStack", "api.test:8080", "[fd00::1]", "172.17.0.2:80"];
  const onEvent = (event: XacctSignEvent) => events.push(event);
  const call = createFetch({ credentials, region, allowHttpHosts, fetch, onEvent });
  const allowed = [
    "http://localstack/",
    "http://localstack:4566/a?b=",
    "http://localstack:4566/c",
    "http://api.test:8080/",
    "http://[fd00::1]:8080/",
    "http://172.17.0.2/",
    "http://localhost:1/",
    "https://example.com/",
  ];
  for (const url of allowed) expect((await call(url)).status, url).toBe(200);
  expect(urls).toEqual(allowed);
  for (const [url, code] of [
    ["http://localstack.example.com/", "insecure_url"],
    ["http://my.localstack/", "insecure_url"],
    ["http://api.test/", "insecure_url"],
    ["http://api.test:8081/", "insecure_url"],
    ["http://172.17.0.2:8080/", "insecure_url"],
    ["http://localstack@example.com/", "insecure_url"],
    ["ws://localstack/", "invalid_url"],
    ["http://localstack/?X-Amz-Signature=0", "already_signed"],
  ] as const) {
    await expect(call(url), url).rejects.toMatchObject({ code });
  }
  const told = events.filter((event) => event.type === "plain_http").map(({ host }) => host);
  expect(told).toEqual(["localstack:80", "localstack:4566", "api.test:8080", "[fd00::1]:8080", "172.17.0.2:80"]);
  expect(warn.mock.calls.length).toBe(told.length);
});

test("c12: without its name a host gets nothing, and a redirect stays within its origin", async () => {
  const { urls, fetch } = noting("http://other.test/next");
  await expect(createFetch({ credentials, region, fetch })("http://localstack/")).rejects.toMatchObject({
    code: "insecure_url",
  });
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const call = createFetch({ credentials, region, allowHttpHosts: ["localstack", "other.test"], fetch });
  expect((await call("http://localstack/")).status).toBe(307);
  expect(urls).toEqual(["http://localstack/"]);
  const within = noting("/next");
  const base = { baseUrl: "http://localstack:4566/v1", allowHttpHosts: ["localstack"] };
  expect((await createFetch({ credentials, region, ...base, fetch: within.fetch })("a")).status).toBe(200);
  expect(within.urls).toEqual(["http://localstack:4566/v1/a", "http://localstack:4566/next"]);
});

test("c12: the environment names hosts, too", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.stubEnv("XACCT_ALLOW_HTTP_HOSTS", "localstack, api.test:8080,");
  const { urls, fetch } = noting();
  const call = createFetch({ credentials, region, fetch });
  await call("http://localstack/");
  await call("http://api.test:8080/");
  await expect(call("http://api.test/")).rejects.toMatchObject({ code: "insecure_url" });
  expect(urls.length).toBe(2);
  vi.stubEnv("XACCT_ALLOW_HTTP_HOSTS", "http://localstack");
  expect(() => createFetch({ credentials, region })).toThrow(expect.objectContaining({ code: "invalid_option" }));
});

test.each([
  "localstack",
  [""],
  ["*"],
  ["*.test"],
  ["http://localstack"],
  ["a/"],
  ["a b"],
  ["u@h"],
  ["a:b"],
  ["a:99999"],
  ["::1"],
  [5],
])("c12: what is no host is refused at once: %j", (allowHttpHosts) => {
  const make = () => createFetch({ credentials, region, allowHttpHosts: allowHttpHosts as never });
  expect(make).toThrow(expect.objectContaining({ code: "invalid_option", hint: expect.stringMatching(/./) }));
});

test.each([
  ["http://localstack", "localstack"],
  ["http://localstack:80/", "localstack"],
  ["http://localstack:4566", "localstack:4566"],
  ["HTTP://LocalStack:4566/sts", "localstack:4566"],
])("c12: STS at a named host: %s", async (stsEndpoint, host) => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const sts = fakeSts();
  const asked: [string, RequestInit][] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    asked.push([url, init]);
    return sts.fetch(url, init);
  }) as never;
  const now = new Date("2026-11-24T00:00:00Z");
  const options = { roleArn, region, base: credentials, stsEndpoint, fetch, now: () => now };
  expect(() => assumeRole(options)).toThrow(expect.objectContaining({ code: "insecure_url" }));
  await assumeRole({ ...options, allowHttpHosts: ["localstack"] })();
  const [[url, init]] = asked as [[string, RequestInit]];
  expect(new URL(url).protocol).toBe("http:");
  expect(new URL(url).host).toBe(host);
  const { authorization, ...headers } = Object.fromEntries(new Headers(init.headers));
  const signer = new Signer({ credentials, region, service: "sts" });
  const body = init.body as string;
  expect(signer.sign("POST", url, { headers, body, now }).authorization).toBe(authorization);
});

test("c12: a port that https leaves out is refused, since the host would be signed without it", () => {
  const options = { roleArn, region, base: credentials, allowHttpHosts: ["localstack"] };
  expect(() => assumeRole({ ...options, stsEndpoint: "http://localstack:443" })).toThrow(
    expect.objectContaining({ code: "insecure_url" }),
  );
});
