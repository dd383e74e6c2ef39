// What `onEvent` is told.

import { afterEach, expect, expectTypeOf, test, vi } from "vitest";
import { assumeRole, createFetch, type XacctSignEvent } from "xacct-sign";
import { serve } from "./server.js";
import { clock, fakeSts } from "./sts.js";

const secret = "SECRETMARKER";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: secret, sessionToken: `${secret}TOKEN` };
const region = "us-east-1";
const roleArn = "arn:aws:iam::111111111111:role/Api";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Without what no test can know. */
function plain(events: readonly XacctSignEvent[]): object[] {
  return events.map((event) => {
    const { elapsedSeconds, ...rest } = { elapsedSeconds: 0, ...event };
    expect(elapsedSeconds).toBeGreaterThanOrEqual(0);
    expect(elapsedSeconds).toBeLessThan(60);
    return JSON.parse(JSON.stringify(rest));
  });
}

test("refreshes, those that fail, and each call with its redirects, without a secret", async () => {
  const time = clock();
  const sts = fakeSts(time.now);
  const server = await serve(({ index, response }) => {
    if (index === 0) response.writeHead(307, { location: "/next" }).end();
    else response.writeHead(404).end();
  });
  const events: XacctSignEvent[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    if (url.endsWith("/broken")) throw new TypeError("fetch failed");
    return url.startsWith(server.url) ? globalThis.fetch(url, init) : sts.fetch(url, init);
  }) as never;
  const options = { roleArn, region, base: credentials, fetch, now: time.now };
  const call = createFetch({ ...options, onEvent: (event) => events.push(event) });
  await call(`${server.url}/a?token=${secret}`, { method: "PUT", body: secret });
  time.forward(3500);
  sts.next = { status: 403, code: "AccessDenied" };
  await call(`${server.url}/broken`).catch(() => {});
  time.forward(60);
  await call(server.url).catch(() => {});
  const failed = {
    type: "refresh_failed",
    action: "AssumeRole",
    roleArn,
    code: "sts_denied",
    message: `STS does not let the caller assume the role \`${roleArn}\`: AccessDenied: no`,
  };
  expect(plain(events)).toEqual([
    { type: "refreshed", action: "AssumeRole", roleArn, expiration: "2026-11-24T01:00:00.000Z" },
    { type: "request", method: "PUT", url: `${server.url}/next`, status: 404 },
    { ...failed, isEarly: true },
    { type: "request", method: "GET", url: `${server.url}/broken`, code: "transport" },
    { ...failed, isEarly: false },
    { type: "request", method: "GET", url: `${server.url}/`, code: "sts_denied" },
  ]);
  expect(JSON.stringify(events)).not.toContain(secret);
});

test("one that is aborted has neither status nor code", async () => {
  const server = await serve(() => {});
  const events: XacctSignEvent[] = [];
  const controller = new AbortController();
  const call = createFetch({ credentials, region, onEvent: (event) => events.push(event) });
  const outcome = call(server.url, { signal: controller.signal }).catch((error) => error);
  while (server.seen.length === 0) await new Promise(setImmediate);
  controller.abort();
  expect(await outcome).toMatchObject({ name: "AbortError" });
  expect(plain(events)).toEqual([{ type: "request", method: "GET", url: `${server.url}/` }]);
});

test.each([
  ["throws", () => { throw new Error("a log that fails"); }], // biome-ignore format: one a line
  ["rejects", async () => { throw new Error("a log that fails"); }], // biome-ignore format: one a line
  ["hangs", () => new Promise(() => {})],
])("an onEvent that %s breaks no call", async (_, onEvent) => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const server = await serve(({ response }) => response.end("ok"));
  const sts = fakeSts();
  const fetch = (async (url: string, init: RequestInit) =>
    url.startsWith(server.url) ? globalThis.fetch(url, init) : sts.fetch(url, init)) as never;
  const call = createFetch({ roleArn, region, base: credentials, fetch, onEvent });
  expect(await (await call(server.url)).text()).toBe("ok");
  await new Promise(setImmediate);
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});

test("an onEvent may ask the very provider that tells it", async () => {
  const sts = fakeSts();
  const asked: Promise<string>[] = [];
  const provider = assumeRole({
    roleArn,
    region,
    base: credentials,
    fetch: sts.fetch,
    onEvent: () => asked.push(provider().then(({ secretAccessKey }) => secretAccessKey)),
  });
  await provider();
  expect(await Promise.all(asked)).toEqual(["s1"]);
  expect(sts.calls).toBe(1);
});

test("what is no function is refused", () => {
  for (const make of [
    () => assumeRole({ roleArn, region, onEvent: "log" as never }),
    () => createFetch({ credentials, region, onEvent: {} as never }),
  ]) {
    expect(make).toThrow(expect.objectContaining({ code: "invalid_option" }));
  }
});

test("events are told apart by their type", () => {
  const seen = (event: XacctSignEvent) => {
    if (event.type === "request") expectTypeOf(event.status).toEqualTypeOf<number | undefined>();
    if (event.type === "refreshed") expectTypeOf(event.expiration).toEqualTypeOf<Date>();
    if (event.type === "refresh_failed") expectTypeOf(event.isEarly).toEqualTypeOf<boolean>();
    if (event.type === "clock_skew") expectTypeOf(event.skewSeconds).toEqualTypeOf<number>();
    return event.type;
  };
  expect(seen({ type: "clock_skew", skewSeconds: 300 })).toBe("clock_skew");
});
