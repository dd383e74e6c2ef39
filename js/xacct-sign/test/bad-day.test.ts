// STS on a bad day, in virtual time.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, type XacctSignEvent } from "xacct-sign";
import { fakeSts, type Reply } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region: "ap-northeast-1", base: credentials };
const broken = { error: new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }) };
const hangs = { after: new Promise(() => {}) };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The outcome, how many milliseconds it took, and when STS was asked meanwhile. */
async function tried(replies: readonly Reply[], limit = 120_000) {
  const sts = fakeSts();
  sts.queue.push(...replies);
  const start = Date.now();
  const asked: number[] = [];
  const events: XacctSignEvent[] = [];
  const fetch = (async (url: string, init: never) => {
    asked.push(Date.now() - start);
    return sts.fetch(url, init);
  }) as never;
  const provider = assumeRole({ ...role, fetch, onEvent: (event) => events.push(event) });
  let took = Number.NaN;
  const outcome = provider()
    .catch((error) => error)
    .finally(() => {
      took = Date.now() - start;
    });
  await vi.advanceTimersByTimeAsync(limit);
  return { outcome: await outcome, took, asked, sts, events, provider };
}

test.each([
  ["a server's failure", { status: 500, code: "InternalFailure" }, 200],
  ["an overloaded server", { status: 503, code: "ServiceUnavailable" }, 200],
  ["throttling", { status: 400, code: "Throttling" }, 1000],
  ["throttling by the status alone", { status: 429, code: "" }, 1000],
  ["a broken connection", broken, 200],
] as const)("%s is tried again, twice, after a pause that is drawn", async (_, failure, most) => {
  const pauses = [];
  for (let round = 0; round < 20; round++) {
    const { outcome, asked } = await tried([failure, failure, {}]);
    expect(outcome).toMatchObject({ secretAccessKey: "s3" });
    const [first, second, third] = asked as [number, number, number];
    expect([first, asked.length]).toEqual([0, 3]);
    expect(second).toBeLessThanOrEqual(most);
    expect(third - second).toBeLessThanOrEqual(2 * most);
    pauses.push(second);
  }
  // Full jitter: anything between nothing and the most.
  expect(new Set(pauses).size).toBeGreaterThan(10);
});

test("the third failure is the error", async () => {
  const { outcome, asked } = await tried([broken, broken, broken, {}]);
  expect(asked.length).toBe(3);
  expect(outcome).toMatchObject({
    code: "transport",
    action: "AssumeRole",
    retryable: true,
    message: "STS was not reached: cannot reach `sts.ap-northeast-1.amazonaws.com`: connect ECONNREFUSED",
    hint: "is it running, and is the port right?",
    cause: { code: "transport", cause: broken.error },
  });
});

test.each([
  [{ status: 403, code: "AccessDenied" }, "sts_denied"],
  [{ status: 403, code: "ExpiredToken" }, "sts_expired"],
  [{ status: 403, code: "InvalidClientTokenId" }, "sts_credentials"],
  [{ status: 400, code: "ValidationError" }, "sts_invalid"],
  [{ body: "<html></html>" }, "invalid_response"],
] as const)("a refusal stands: %j", async (reply, code) => {
  const { outcome, asked } = await tried([reply, {}]);
  expect([outcome.code, asked.length]).toEqual([code, 1]);
});

test("an STS that hangs has ten seconds for each try, and 35 in all; no connection is left behind", async () => {
  const { outcome, took, asked, sts } = await tried([hangs, hangs, hangs, hangs]);
  expect(outcome).toMatchObject({
    code: "timeout",
    action: "AssumeRole",
    message: "STS was not reached: no answer from `sts.ap-northeast-1.amazonaws.com` in 10 seconds",
    hint: expect.stringContaining("this was STS, not the API"),
  });
  expect(asked.length).toBe(3);
  expect(took).toBeGreaterThanOrEqual(30_000);
  expect(took).toBeLessThanOrEqual(31_000);
  expect(sts.signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
});

test("one that hangs once is answered by the second try", async () => {
  const { outcome, took } = await tried([hangs, {}]);
  expect(outcome).toMatchObject({ secretAccessKey: "s2" });
  expect(took).toBeLessThan(11_000);
});

test("an answer that drips is held to the time of its try, and one that breaks off is tried again", async () => {
  const drip = () =>
    new ReadableStream({
      async pull(controller) {
        await new Promise((fulfil) => setTimeout(fulfil, 900));
        controller.enqueue(new TextEncoder().encode(" "));
      },
    });
  const dripping = await tried([{ stream: drip }, { stream: drip }, { stream: drip }]);
  expect(dripping.outcome).toMatchObject({ code: "timeout", message: expect.stringContaining("no end of the answer") });
  expect(dripping.took).toBeLessThanOrEqual(35_000);
  const half = () => new ReadableStream({ start: (controller) => controller.error(new TypeError("terminated")) });
  expect((await tried([{ stream: half }, {}])).outcome).toMatchObject({ secretAccessKey: "s2" });
  expect((await tried([{ stream: half }, { stream: half }, { stream: half }])).outcome).toMatchObject({
    code: "transport",
    message: expect.stringContaining("broke off: terminated"),
  });
});

test("base credentials that never come are named as what is missing", async () => {
  const provider = assumeRole({ ...role, base: () => new Promise<never>(() => {}), fetch: fakeSts().fetch });
  const outcome = provider().catch((error) => error);
  await vi.advanceTimersByTimeAsync(35_000);
  expect(await outcome).toMatchObject({ code: "timeout", message: "no base credentials in 35 seconds" });
});

test("the base is asked anew for each try, and not again for what it failed of itself", async () => {
  const sts = fakeSts();
  sts.queue.push({ status: 500, code: "InternalFailure" }, {});
  let asked = 0;
  const base = async () => ({ accessKeyId: `AKID${++asked}`, secretAccessKey: "secret" });
  const outcome = assumeRole({ ...role, base, fetch: sts.fetch })();
  await vi.advanceTimersByTimeAsync(1000);
  await outcome;
  expect(sts.authorizations.map((value) => /AKID\d/.exec(value)?.[0])).toEqual(["AKID1", "AKID2"]);
  let failed = 0;
  const failing = async () => {
    failed += 1;
    throw new Error("no profile");
  };
  await expect(assumeRole({ ...role, base: failing, fetch: sts.fetch })()).rejects.toThrow("no profile");
  expect(failed).toBe(1);
});

test("c4: a loop of failing calls asks STS about ten times in a minute, and gets the same error between", async () => {
  const sts = fakeSts();
  sts.next = { status: 403, code: "AccessDenied" };
  const provider = assumeRole({ ...role, fetch: sts.fetch });
  const errors = new Set<unknown>();
  for (let at = 0; at < 60_000; at += 10) {
    errors.add(await provider().catch((error) => error));
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(sts.calls).toBeGreaterThanOrEqual(9);
  expect(sts.calls).toBeLessThanOrEqual(11);
  expect(errors.size).toBe(sts.calls);
  // What succeeds ends it.
  sts.next = {};
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await provider()).sessionToken).toBe("t");
});

test("credentials of an hour over a virtual day, every other call of STS failing: no failed call", async () => {
  const sts = fakeSts();
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const faults = [broken, { status: 500, code: "InternalFailure" }, { status: 400, code: "Throttling" }];
  const fetch = (async (url: string, init: never) => {
    // The very first is everybody's; later ones have the whole early window.
    if (sts.calls > 0 && random() < 0.5) sts.queue.push(faults[Math.floor(random() * faults.length)] ?? {});
    return sts.fetch(url, init);
  }) as never;
  let failures = 0;
  const onEvent = ({ type }: XacctSignEvent) => {
    if (type === "refresh_failed") failures += 1;
  };
  const provider = assumeRole({ ...role, fetch, onEvent });
  for (let at = 0; at < 24 * 3600; at += 15) {
    const { expiration } = await settled(provider());
    expect(expiration.getTime()).toBeGreaterThan(Date.now());
    await vi.advanceTimersByTimeAsync(15_000);
  }
  expect(failures).toBeGreaterThan(0);
  expect(sts.calls).toBeGreaterThanOrEqual(24);
});

async function settled<T>(promise: Promise<T>): Promise<T> {
  let isDone = false;
  promise.then(
    () => {
      isDone = true;
    },
    () => {
      isDone = true;
    },
  );
  while (!isDone) await vi.advanceTimersByTimeAsync(50);
  return promise;
}

/** STS's own words, from AWS's issues. */
function refusalOf(signed: Date, ours: Date): Reply {
  const text = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, "");
  const limit = new Date(ours.getTime() - 15 * 60_000);
  const message = `Signature expired: ${text(signed)} is now earlier than ${text(limit)} (${text(ours)} - 15 min.)`;
  return { status: 403, code: "SignatureDoesNotMatch", message };
}

test("a clock that is off is learned from what STS says, reported once, and set right for every later signature", async () => {
  const skew = 3600;
  const theirs = () => new Date(Date.now() + skew * 1000);
  const sts = fakeSts(theirs);
  sts.queue.push(refusalOf(new Date(), theirs()));
  const dates: string[] = [];
  const events: XacctSignEvent[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    dates.push(new Headers(init.headers).get("x-amz-date") ?? "");
    return url.includes("sts.") ? sts.fetch(url, init) : new Response("ok");
  }) as never;
  const credentials = assumeRole({ ...role, fetch, onEvent: (event) => events.push(event) });
  const api = createFetch({ credentials, region: role.region, fetch, onEvent: (event) => events.push(event) });
  expect((await api("https://api.example.com/")).status).toBe(200);
  const text = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, "");
  expect(dates).toEqual([text(new Date()), text(theirs()), text(theirs())]);
  await vi.advanceTimersByTimeAsync(3_595_000);
  expect((await api("https://api.example.com/")).status).toBe(200);
  expect(dates.slice(3)).toEqual([text(theirs()), text(theirs())]);
  expect(events.filter(({ type }) => type === "clock_skew")).toEqual([{ type: "clock_skew", skewSeconds: skew }]);
});

test("what STS says of the time is believed once a call", async () => {
  const refusal = refusalOf(new Date(), new Date(Date.now() + 3_600_000));
  const { outcome, asked } = await tried([refusal, refusal, refusal, {}]);
  expect([outcome.code, asked.length]).toEqual(["sts_credentials", 2]);
});

const DAY = 86_400_000;
const dated = (status: number, at: number) =>
  new Response("{}", { status, headers: { date: new Date(at).toUTCString() } });

test.each([DAY, -DAY])("one refusal with a date that is off by %d ms is no end of good credentials", async (off) => {
  const lasting = async () => ({ ...credentials, expiration: new Date(Date.now() + DAY / 48) });
  for (const source of [
    { credentials: lasting, region: role.region },
    { ...role, base: lasting },
  ]) {
    let hasLied = false;
    const sts = fakeSts();
    const fetch = (async (url: string, init: RequestInit) => {
      if (url.includes("sts.")) return sts.fetch(url, init);
      const signed = new Headers(init.headers).get("x-amz-date") ?? "";
      const at = Date.parse(signed.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
      const isRight = hasLied && Math.abs(at - Date.now()) < 300_000;
      const answer = dated(isRight ? 200 : 403, hasLied ? Date.now() : Date.now() + off);
      hasLied = true;
      return answer;
    }) as never;
    const call = createFetch({ ...source, fetch });
    await call("https://api.example.com/").catch((error) => error);
    for (let next = 0; next < 2; next++) expect((await call("https://api.example.com/")).status).toBe(200);
  }
});
