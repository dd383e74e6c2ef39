// A call's deadline, and what is sent a second time: against a server that breaks as a test has it.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, expect, test, vi } from "vitest";
import { assumeRole, createFetch, type XacctSignEvent } from "xacct-sign";
import { serve } from "./server.js";
import { clock, fakeSts } from "./sts.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region, base: credentials };
const METHODS = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"];

afterEach(() => {
  vi.useRealTimers();
});

/** What a REST API or a function URL says of its own refusals, and an HTTP API of its one. */
const FRONTS = [
  { "x-amzn-errortype": "InvalidSignatureException" },
  { "apigw-requestid": "Z3", "content-length": "23" },
];
const FORBIDDEN = '{"message":"Forbidden"}';

const body = (method: string) => (["PUT", "POST", "PATCH"].includes(method) ? "a" : undefined);
const text = (date: Date) => date.toISOString().replace(/[-:]|\.\d+/g, "");

test.each(METHODS)("%s: a connection that had been idle and broke", async (method) => {
  let isBroken = false;
  const ports: unknown[] = [];
  const server = await serve(({ request, response }) => {
    ports.push(request.socket.remotePort);
    if (!isBroken) response.end();
    else {
      isBroken = false;
      request.socket.destroy();
    }
  });
  const call = createFetch({ credentials, region });
  // Until a connection was left behind and taken up again.
  while (new Set(ports).size === ports.length) {
    await (await call(server.url)).text();
    await new Promise(setImmediate);
  }
  const before = server.seen.length;
  isBroken = true;
  const outcome = await call(server.url, { method, body: body(method) }).catch((error) => error);
  expect(ports.slice(0, before)).toContain(ports[before]);
  const sent = server.seen.slice(before);
  if (method === "POST" || method === "PATCH") {
    expect(outcome).toMatchObject({ code: "transport", retryable: true });
    expect(sent.length).toBe(1);
  } else {
    expect(outcome.status).toBe(200);
    expect(sent.map((seen) => [seen.method, seen.body])).toEqual(
      [method, method].map((name) => [name, body(name) ?? ""]),
    );
  }
});

test.each(METHODS)("%s: a connection of its own that broke is no reason to send it again", async (method) => {
  const server = await serve(({ request }) => request.socket.end());
  const call = createFetch({ credentials, region });
  await expect(call(server.url, { method, body: body(method) })).rejects.toMatchObject({ code: "transport" });
  expect(server.seen.length).toBe(1);
});

test.each(METHODS)(
  "%s: a reset by the system is answered by one more attempt of what may be repeated",
  async (method) => {
    const server = await serve(({ request }) => request.socket.resetAndDestroy());
    const call = createFetch({ credentials, region });
    await expect(call(server.url, { method, body: body(method) })).rejects.toMatchObject({ code: "transport" });
    expect(server.seen.length).toBe(method === "POST" || method === "PATCH" ? 1 : 2);
  },
);

test("a stream is sent once", async () => {
  const server = await serve(({ request }) => request.socket.resetAndDestroy());
  const call = createFetch({ credentials, region, service: "s3", unsignedPayload: true });
  const stream = new Blob(["a"]).stream();
  await expect(call(server.url, { method: "PUT", body: stream as never })).rejects.toMatchObject({ code: "transport" });
  expect(server.seen.length).toBe(1);
});

test.each(METHODS)(
  "%s: a refusal whose Date shows that the clock is off leads to one fresh attempt",
  async (method) => {
    const ahead = 3600;
    const server = await serve(({ index, response }) => {
      response.setHeader("date", new Date(Date.now() + ahead * 1000).toUTCString());
      response.writeHead(index === 0 ? 403 : 200, index === 0 ? FRONTS[0] : {}).end();
    });
    const events: XacctSignEvent[] = [];
    const call = createFetch({ credentials, region, onEvent: (event) => events.push(event) });
    expect((await call(server.url, { method, body: body(method) })).status).toBe(200);
    expect((await call(server.url, { method, body: body(method) })).status).toBe(200);
    const off = server.seen.map(
      ({ headers }) => Math.round((signedAt(headers["x-amz-date"]) - Date.now()) / 60_000) + 0,
    );
    expect(off).toEqual([0, 60, 60]);
    const skews = events.filter((event) => event.type === "clock_skew");
    expect(skews.length).toBe(1);
    expect(Math.abs((skews[0]?.skewSeconds ?? 0) - ahead)).toBeLessThanOrEqual(2);
  },
);

test.each(["POST", "PATCH"])(
  "%s: a refusal of the application's own is the answer, and no reason to send it twice",
  async (method) => {
    for (const [headers, text, sent] of [
      [{}, FORBIDDEN, 1],
      [{ "apigw-requestid": "Z3" }, '{"error":"over your limit"}', 1],
      ...FRONTS.map((front) => [front, FORBIDDEN, 2] as const),
    ] as const) {
      const server = await serve(({ index, response }) => {
        response.setHeader("date", new Date(Date.now() + 3600_000).toUTCString());
        if (index === 0) response.writeHead(403, { "content-length": text.length, ...headers }).end(text);
        else response.end();
      });
      const call = createFetch({ credentials, region });
      const answer = await call(server.url, { method, body: "a" });
      expect([answer.status, await answer.text(), server.seen.length]).toEqual(
        sent === 1 ? [403, text, 1] : [200, "", 2],
      );
      // What it said of the time is known all the same.
      expect((await call(server.url, { method, body: "a" })).status).toBe(200);
      const last = signedAt(server.seen.at(-1)?.headers["x-amz-date"]);
      expect([server.seen.length, Math.round((last - Date.now()) / 60_000)]).toEqual([sent + 1, 60]);
    }
  },
);

test.each([86_400, -86_400])(
  "what one API says of the time (%d s) counts for signatures to that one alone",
  async (ahead) => {
    const liar = await serve(({ response }) => {
      response.setHeader("date", new Date(Date.now() + ahead * 1000).toUTCString());
      response.writeHead(403).end();
    });
    const other = await serve(({ response }) => response.end());
    const sts = fakeSts();
    const provider = assumeRole({ ...role, fetch: sts.fetch });
    const call = createFetch({ credentials: provider, region });
    expect((await call(liar.url)).status).toBe(403);
    // The credentials end in an hour as before, for this `fetch` and for another of the same role.
    expect((await call(other.url)).status).toBe(200);
    expect((await createFetch({ credentials: provider, region })(other.url)).status).toBe(200);
    const apart = ({ seen }: typeof other) =>
      seen.map(({ headers }) => Math.round((signedAt(headers["x-amz-date"]) - Date.now()) / 60_000) + 0);
    expect([apart(liar), apart(other), sts.calls]).toEqual([[0, ahead / 60], [0, 0], 1]);
  },
);

test("a refusal stands where the Date is right, missing or none, and after one fresh attempt", async () => {
  for (const [date, sent] of [
    [new Date().toUTCString(), 1],
    [new Date(Date.now() + 200_000).toUTCString(), 1],
    [new Date(Date.now() - 200_000).toUTCString(), 1],
    ["yesterday", 1],
    [undefined, 1],
    [new Date(Date.now() - 600_000).toUTCString(), 2],
  ] as const) {
    const server = await serve(({ response }) => {
      response.sendDate = false;
      if (date !== undefined) response.setHeader("date", date);
      response.writeHead(403, FRONTS[0]).end("Forbidden");
    });
    const answer = await createFetch({ credentials, region })(server.url, { method: "POST", body: "a" });
    expect([answer.status, await answer.text(), server.seen.length]).toEqual([403, "Forbidden", sent]);
  }
  for (const status of [401, 500, 503]) {
    const server = await serve(({ response }) => {
      response.setHeader("date", new Date(0).toUTCString());
      response.writeHead(status).end();
    });
    expect((await createFetch({ credentials, region })(server.url)).status).toBe(status);
    expect(server.seen.length).toBe(1);
  }
});

test("a Date that is another each time is believed once a call", async () => {
  const server = await serve(({ index, response }) => {
    response.setHeader("date", new Date(Date.now() + (index % 2 === 0 ? 3600_000 : -3600_000)).toUTCString());
    response.writeHead(403).end();
  });
  expect((await createFetch({ credentials, region })(server.url)).status).toBe(403);
  expect(server.seen.length).toBe(2);
});

test("of many who learn at once that the clock is off one reports it, and all are set right by as much", async () => {
  const waiting: (() => void)[] = [];
  const server = await serve(({ index, response }) => {
    response.setHeader("date", new Date(Date.now() + 3600_000).toUTCString());
    if (index >= 20) response.end();
    else waiting.push(() => response.writeHead(403).end());
    // Nobody is answered before all have asked.
    if (index === 19) for (const answer of waiting) answer();
  });
  const skews: number[] = [];
  const onEvent = (event: XacctSignEvent) => event.type === "clock_skew" && skews.push(event.skewSeconds);
  const call = createFetch({ credentials, region, onEvent });
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(server.url)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(skews.length).toBe(1);
  const hours = server.seen.map(
    ({ headers }) => Math.round((signedAt(headers["x-amz-date"]) - Date.now()) / 3600_000) + 0,
  );
  expect(hours).toEqual([...Array(20).fill(0), ...Array(20).fill(1)]);
});

test("a refusal of credentials that expired on the way leads to one fresh attempt with others", async () => {
  const time = clock();
  const server = await serve(({ index, response }) => {
    response.sendDate = false;
    // A function that was frozen between sending and answering.
    if (index === 0) time.forward(3600);
    response.writeHead(index === 0 ? 403 : 200, FRONTS[0]).end();
  });
  const sts = fakeSts(time.now);
  const provider = assumeRole({ ...role, fetch: sts.fetch, now: time.now });
  const answer = await createFetch({ credentials: provider, region })(server.url, { method: "POST", body: "a" });
  expect([answer.status, server.seen.length, sts.calls]).toEqual([200, 2, 2]);
  // What is given as it is has no others.
  const own = { ...credentials, expiration: new Date(time.now().getTime() + 3600_000) };
  const call = createFetch({ credentials: own, region, now: time.now });
  const refusing = await serve(({ response }) => {
    response.sendDate = false;
    time.forward(3600);
    response.writeHead(403).end();
  });
  await expect(call(refusing.url)).rejects.toMatchObject({ code: "credentials_expired" });
  expect(refusing.seen.length).toBe(1);
});

test("the role's credentials are judged by the same clock as the signatures", async () => {
  // Ten minutes behind: STS does not mind, the API does. The `Date` of STS's answer says so.
  const behind = 600;
  const theirs = { past: 0 };
  const now = () => new Date(Date.parse("2026-11-24T00:00:00Z") + theirs.past * 1000);
  const aws = () => new Date(now().getTime() + behind * 1000);
  const sts = fakeSts(aws);
  const server = await serve(({ request, response }) => {
    response.sendDate = false;
    response.setHeader("date", aws().toUTCString());
    const isRight = request.headers["x-amz-date"] === text(aws());
    response.writeHead(isRight ? 200 : 403).end();
  });
  const fetch = (async (url: string, init: RequestInit) => {
    if (url.startsWith(server.url)) return globalThis.fetch(url, init);
    const answer = await sts.fetch(url, init);
    answer.headers.set("date", aws().toUTCString());
    return answer;
  }) as never;
  const call = createFetch({ ...role, fetch, now });
  expect((await call(server.url)).status).toBe(200);
  // By this machine's clock they live ten minutes longer than they do.
  theirs.past = 3600 - 30;
  expect((await call(server.url)).status).toBe(200);
  expect([sts.calls, server.seen.length]).toEqual([2, 2]);
});

test("c1: 35 seconds bound STS and the call together", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const server = await serve(() => {});
  let answer = () => {};
  const sts = fakeSts();
  sts.next = {
    after: new Promise<void>((fulfil) => {
      answer = fulfil;
    }),
  };
  const fetch = (async (url: string, init: RequestInit) =>
    url.startsWith(server.url) ? globalThis.fetch(url, init) : sts.fetch(url, init)) as never;
  const outcome = createFetch({ ...role, fetch })(server.url).catch((error) => error);
  await until(() => sts.calls === 1);
  await vi.advanceTimersByTimeAsync(9_000);
  answer();
  await until(() => server.seen.length === 1);
  await vi.advanceTimersByTimeAsync(25_900);
  expect(await Promise.race([outcome, "still waiting"])).toBe("still waiting");
  await vi.advanceTimersByTimeAsync(100);
  expect(await outcome).toMatchObject({ code: "timeout", message: expect.stringMatching(/^no answer from .* in 35/) });
});

test("c1: an answer that drips ends with the typed error, however it is read", async () => {
  for (const read of ["text", "json", "arrayBuffer", "blob", "stream"] as const) {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const server = await serve(({ response }) => response.writeHead(200).write("["));
    const answer = await createFetch({ credentials, region })(server.url);
    const reading = read === "stream" ? drained(answer) : answer[read]();
    const outcome = reading.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(34_000);
    // What nobody can read any more has no deadline: this one is being read.
    for (let turn = 0; turn < 3; turn++) {
      collectGarbage();
      await new Promise(setImmediate);
    }
    expect(await Promise.race([outcome, "still waiting"])).toBe("still waiting");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toMatchObject({
      name: "XacctSignError",
      code: "timeout",
      message: expect.stringMatching(/^the answer of `127.* did not end in 35 seconds$/),
    });
    vi.useRealTimers();
  }
});

test("c1: who gives a signal says how long it may take", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let answer = () => {};
  const server = await serve(({ response }) => {
    answer = () => response.writeHead(200).write("[");
  });
  const controller = new AbortController();
  const call = createFetch({ credentials, region })(server.url, { signal: controller.signal });
  await until(() => server.seen.length === 1);
  await vi.advanceTimersByTimeAsync(300_000);
  answer();
  const response = await call;
  const outcome = response.text().catch((error) => error);
  await vi.advanceTimersByTimeAsync(300_000);
  const reason = new Error("enough");
  controller.abort(reason);
  expect(await outcome).toBe(reason);
});

test("answers that were read leave nothing behind", async () => {
  const server = await serve(({ response }) => response.end("ok"));
  const call = createFetch({ credentials, region });
  const cleared = vi.spyOn(globalThis, "clearTimeout");
  const timers = new Set<unknown>();
  const set = vi.spyOn(globalThis, "setTimeout");
  for (let count = 0; count < 20; count++) await (await call(server.url)).text();
  for (const { value } of set.mock.results) timers.add(value);
  set.mockRestore();
  expect(timers.size).toBeGreaterThanOrEqual(40);
  while (timers.size > 0) {
    collectGarbage();
    await new Promise(setImmediate);
    for (const [timer] of cleared.mock.calls) timers.delete(timer);
  }
  cleared.mockRestore();
});

test("a program that is done does not wait for a deadline", async () => {
  const server = await serve(({ response }) => response.end("ok"));
  const before = timers();
  const answer = await createFetch({ credentials, region })(server.url);
  expect(await answer.text()).toBe("ok");
  expect(timers()).toBe(before);
});

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Of `20150830T123600Z` the milliseconds since 1970. */
function signedAt(date: unknown): number {
  return Date.parse(String(date).replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
}

/** How many timers keep the process alive: all that Node names here. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

async function drained(response: Response): Promise<void> {
  const reader = (response.body as ReadableStream).getReader();
  while (!(await reader.read()).done) {
    // To its end.
  }
}

/** Real sockets take real time, and the timers are not. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}
