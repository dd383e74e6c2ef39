// The API behind the emulator.

import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import aws4 from "aws4";
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { call, direct, REGION, started } from "./world.js";

const servers: Server[] = [];
let warned: MockInstance<(warning: string | Error, options?: NodeJS.EmitWarningOptions) => void>;
beforeEach(() => {
  warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {}) as unknown as typeof warned;
});
afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) server.close();
});

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What whoever wrote the upstream was told: code and text. */
function told(): [string | undefined, string][] {
  const warnings = warned.mock.calls.map(([text, options]): [string | undefined, string] => [
    options?.code,
    String(text),
  ]);
  for (const [, options] of warned.mock.calls) expect(options?.type).toBe("XacctSignWarning");
  return warnings;
}

test("a server gets what passed, without what the caller signed with, and its answer is passed on", async () => {
  const seen: { request: IncomingMessage; body: string }[] = [];
  const upstream = await listening(async (request, response) => {
    seen.push({ request, body: await text(request) });
    response.writeHead(201, [
      "set-cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "X-Own",
      "ä",
      "connection",
      "x-hop",
      "x-hop",
      "1",
    ]);
    response.end("made");
  });
  const emulator = await started({ upstream: `${upstream}/base/` });
  const answer = await direct(emulator, "PUT", "/a/..%2F/b%20c?q=1&q=2", {
    headers: { "x-mine": "1", "X-Forwarded-For": "10.0.0.1" },
    body: "körper",
  });
  expect(answer).toMatchObject({ status: 201, body: "made" });
  expect(answer.headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "x-own": "ä" });
  expect(answer.headers).not.toHaveProperty("x-hop");
  expect(answer.headers).toHaveProperty("x-amzn-requestid");
  const [{ request, body } = { request: undefined, body: "" }] = seen;
  expect([request?.method, request?.url, body]).toEqual(["PUT", "/base/a/..%2F/b%20c?q=1&q=2", "körper"]);
  expect(request?.headers).toMatchObject({ host: new URL(upstream).host, "x-mine": "1", "content-length": "7" });
  for (const name of ["authorization", "x-amz-security-token", "x-forwarded-for"]) {
    expect(request?.headers).not.toHaveProperty(name);
  }
  const context = JSON.parse(String(request?.headers["x-amzn-request-context"]));
  expect(context.identity.userArn).toBe("arn:aws:sts::000000000000:assumed-role/Shop/shop");
  expect(emulator.calls).toMatchObject([{ status: 201 }]);
});

test("a function is called in the style of fetch", async () => {
  const upstream = vi.fn(async (request: Request) => {
    const body = { url: request.url, method: request.method, text: await request.text() };
    return Response.json(body, {
      status: 202,
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    });
  });
  const emulator = await started({ upstream });
  const answer = await direct(emulator, "POST", "/items?x=1", { body: "hi" });
  expect(answer.status).toBe(202);
  expect(JSON.parse(answer.body)).toEqual({ url: "http://localhost/items?x=1", method: "POST", text: "hi" });
  expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  const headers = upstream.mock.calls[0]?.[0].headers;
  expect(headers?.get("authorization")).toBeNull();
  expect(JSON.parse(headers?.get("x-amzn-request-context") ?? "").stage).toBe("v1");
});

test.each(["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"])("a function gets %s", async (method) => {
  const emulator = await started({ upstream: ({ method }) => new Response(null, { headers: { "x-method": method } }) });
  const answer = await direct(emulator, method, "/x");
  expect([answer.status, answer.headers["x-method"], answer.body]).toEqual([200, method, ""]);
});

test("a function is not called for what is refused", async () => {
  const upstream = vi.fn(() => new Response());
  const emulator = await started({ upstream });
  expect((await call("GET", `${emulator.url("restd")}/x`)).status).toBe(403);
  expect(upstream).not.toHaveBeenCalled();
});

test.each<[string, (request: Request) => Response | Promise<Response>, string]>([
  [
    "throws",
    () => {
      throw new Error("a mistake of mine");
    },
    "Error: a mistake of mine\n    at ",
  ],
  ["rejects", () => Promise.reject("text"), "'text'"],
  ["fails to fetch", () => fetch("http://127.0.0.1:1"), "[cause]: Error: "],
  ["gives nothing", () => undefined as unknown as Response, "it gave undefined in place of a `Response`"],
  ["gives an object", () => ({ status: 200 }) as Response, "it gave an object in place of a `Response`"],
  ["gives what is no answer", () => Response.error(), "it gave `Response.error()`, which is no answer of HTTP"],
  [
    "gives what was read",
    async () => {
      const read = new Response("x");
      await read.text();
      return read;
    },
    "it gave a `Response` that was read before: make a new one each time",
  ],
])("a function that %s is told as a warning, and answered as the gateway answers", async (_, upstream, text) => {
  const emulator = await started({ upstream, explain: true });
  const answer = await direct(emulator, "GET", "/x?secret=1");
  expect([answer.status, answer.body]).toEqual([502, '{"message":"Internal server error"}']);
  expect(answer.headers["x-xacct-reason"]).toBe("upstream_failed: the function failed");
  expect(told()).toEqual([["upstream_failed", expect.stringContaining(text)]]);
  expect(told()[0]?.[1]).toMatch(/^the emulator's upstream, for `GET \/v1\/x` on `restd`: the function failed: /);
  expect(emulator.calls).toMatchObject([{ status: 502, caller: "shop" }]);
});

test("a function whose answer fails after its head is told, too", async () => {
  const body = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("half"));
        controller.error(new Error("a mistake of mine"));
      },
    });
  const emulator = await started({ upstream: () => new Response(body()) });
  await expect(direct(emulator, "GET", "/x")).rejects.toThrow();
  await vi.waitFor(() => expect(warned).toHaveBeenCalled());
  expect(told()).toEqual([
    ["upstream_failed", expect.stringContaining("the function failed: Error: a mistake of mine")],
  ]);
});

test("one `Response` for all calls is told with the second", async () => {
  const answer = new Response("x");
  const emulator = await started({ upstream: () => answer });
  expect((await direct(emulator, "GET", "/x")).status).toBe(200);
  expect((await direct(emulator, "GET", "/x")).status).toBe(502);
  expect(told()).toEqual([["upstream_failed", expect.stringContaining("make a new one each time")]]);
});

test("what a function has fetched is passed on as it was read", async () => {
  const behind = await listening((_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("plain"));
  });
  const emulator = await started({ upstream: () => fetch(behind) });
  const answer = await direct(emulator, "GET", "/x");
  expect([answer.status, answer.body, answer.headers["content-encoding"]]).toEqual([200, "plain", undefined]);
});

test("a server that is not there", async () => {
  const gone = await listening(() => {});
  servers[0]?.close();
  const emulator = await started({ upstream: gone, explain: true });
  expect(await direct(emulator, "GET", "/x")).toMatchObject({
    status: 502,
    headers: { "x-xacct-reason": "upstream_failed: the upstream could not be reached or broke off" },
    body: '{"message":"Internal server error"}',
  });
  expect(told()).toEqual([["upstream_failed", expect.stringContaining("broke off: connect ECONNREFUSED 127.0.0.1:")]]);
});

test("a name of several addresses where nobody listens", async () => {
  const gone = await listening(() => {});
  servers[0]?.close();
  const emulator = await started({ upstream: gone.replace("127.0.0.1", "localhost") });
  expect((await direct(emulator, "GET", "/x")).status).toBe(502);
  expect(told()).toEqual([["upstream_failed", expect.stringContaining("broke off: ")]]);
  expect(told()[0]?.[1]).toContain("ECONNREFUSED");
});

test("an upstream that takes longer than the gateway waits", async () => {
  const waited: number[] = [];
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    waited.push(milliseconds);
    return AbortSignal.abort();
  });
  const emulator = await started({ upstream: () => new Promise<Response>(() => {}) });
  expect(await direct(emulator, "GET", "/x")).toMatchObject({
    status: 504,
    body: '{"message":"Endpoint request timed out"}',
  });
  expect(waited).toEqual([29_000]);
  expect(told()).toEqual([["upstream_timeout", expect.stringMatching(/: the upstream took longer than .* 29 s$/)]]);
});

test("a caller that goes away is no timeout, and ends what is done for it", async () => {
  const ended = vi.fn();
  const came = vi.fn();
  const upstream = ({ signal }: Request) =>
    new Promise<Response>(() => {
      came();
      signal.addEventListener("abort", ended);
    });
  const emulator = await started({ upstream });
  const { host, pathname } = new URL(emulator.url("restd"));
  const request = { host, path: `${pathname}/x`, service: "execute-api", region: REGION };
  const { headers } = aws4.sign(request, emulator.credentials("shop", "restd"));
  const leaving = new AbortController();
  const url = `http://${host}${pathname}/x`;
  const left = fetch(url, { headers: headers as Record<string, string>, signal: leaving.signal });
  const rejected = expect(left).rejects.toThrow("aborted");
  await vi.waitFor(() => expect(came).toHaveBeenCalled());
  leaving.abort();
  await rejected;
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  await direct(emulator, "GET", "/x", {
    credentials: { ...emulator.credentials("shop", "restd"), secretAccessKey: "x" },
  });
  expect(emulator.calls).toMatchObject([
    { path: "/v1/x", status: null, caller: "shop" },
    { status: 403, caller: null },
  ]);
  expect(told()).toEqual([]);
});

test("an answer that is too long is refused where it says so, and broken off where it does not", async () => {
  const long = 10 * 1024 * 1024 + 1;
  const upstream = await listening((request, response) => {
    const isTold = request.url === "/told";
    response.writeHead(200, isTold ? { "content-length": String(long) } : {});
    response.end(Buffer.alloc(long));
  });
  const emulator = await started({ upstream, explain: true });
  const answer = await direct(emulator, "GET", "/told");
  expect(answer.status).toBe(502);
  expect(answer.headers["x-xacct-reason"]).toBe("upstream_too_large: the upstream's answer is longer than 10 MB");
  await expect(direct(emulator, "GET", "/untold")).rejects.toThrow("aborted");
  const other = await started({ upstream: () => new Response(new Uint8Array(long)) });
  await expect(direct(other, "GET", "/x")).rejects.toThrow(/aborted|socket hang up/);
  const text = expect.stringMatching(/`: the upstream's answer is longer than 10 MB$/);
  await vi.waitFor(() => expect(told()).toEqual(Array(3).fill(["upstream_too_large", text])));
});

test("an answer that breaks off breaks off here, too", async () => {
  const upstream = await listening((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  });
  const emulator = await started({ upstream });
  await expect(direct(emulator, "GET", "/x")).rejects.toThrow("aborted");
  await vi.waitFor(() => expect(told()).toEqual([["upstream_failed", expect.stringContaining("broke off: aborted")]]));
});

test("a caller that goes away while its answer comes is not told as a failure", async () => {
  const canceled = vi.fn();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
    cancel: canceled,
  });
  const emulator = await started({ upstream: () => new Response(body) });
  const { host, pathname } = new URL(emulator.url("restd"));
  const request = { host, path: `${pathname}/x`, service: "execute-api", region: REGION };
  const signed = aws4.sign(request, emulator.credentials("shop", "restd"));
  const leaving = new AbortController();
  const sent = { headers: signed.headers as Record<string, string>, signal: leaving.signal };
  const answer = await fetch(`http://${host}${pathname}/x`, sent);
  leaving.abort();
  await expect(answer.text()).rejects.toThrow("aborted");
  await vi.waitFor(() => expect(canceled).toHaveBeenCalled());
  expect(told()).toEqual([]);
  expect(emulator.calls).toMatchObject([{ status: 200 }]);
});

test("an answer that a function gives when its caller is gone is not wanted, and may fail", async () => {
  let give: (response: Response) => void = () => {};
  const ended = vi.fn();
  const upstream = ({ signal }: Request) => {
    signal.addEventListener("abort", ended);
    return new Promise<Response>((fulfil) => {
      give = fulfil;
    });
  };
  const emulator = await started({ upstream });
  const { host, pathname } = new URL(emulator.url("restd"));
  const request = { host, path: `${pathname}/x`, service: "execute-api", region: REGION };
  const signed = aws4.sign(request, emulator.credentials("shop", "restd"));
  const left = fetch(`http://${host}${pathname}/x`, { headers: signed.headers as Record<string, string> });
  const broken = expect(left).rejects.toThrow();
  await vi.waitFor(() => expect(emulator.calls).toMatchObject([{ caller: "shop" }]));
  await emulator.close();
  await broken;
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  const canceled = vi.fn();
  give(new Response(new ReadableStream<Uint8Array>({ cancel: canceled })));
  await vi.waitFor(() => expect(canceled).toHaveBeenCalled());
  expect(told()).toEqual([]);
});

test("an answer is passed on while it comes", async () => {
  const pieces: ReadableStreamDefaultController<Uint8Array>[] = [];
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void pieces.push(controller) });
  const emulator = await started({ upstream: () => new Response(body) });
  pieces[0]?.enqueue(new TextEncoder().encode("first"));
  const { host, pathname } = new URL(emulator.url("restd"));
  const request = { host, path: `${pathname}/x`, service: "execute-api", region: REGION };
  const signed = aws4.sign(request, emulator.credentials("shop", "restd"));
  const answer = await fetch(`http://${host}${pathname}/x`, { headers: signed.headers as Record<string, string> });
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first");
  pieces[0]?.enqueue(new TextEncoder().encode("second"));
  pieces[0]?.close();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("second");
});
