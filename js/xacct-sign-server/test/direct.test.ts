// Node's own client: where it goes, and where it does not.

import dns from "node:dns";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import https from "node:https";
import { type AddressInfo, type LookupFunction, createServer as netServer } from "node:net";
import { text as readText } from "node:stream/consumers";
import { afterEach, expect, test, vi } from "vitest";
import { createVerifier, type LogEntry, type Verifier } from "xacct-sign-server";
import { type Json, outcome, proofOf, proofValues, sts, TABLE, token, usualKeys } from "./world.js";

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const PATH = "/issuers/000000000000";

/** A verifier for development that takes an issuer on this machine, and a good token of it. */
function developing(origin: string): { verifier: Verifier; header: string; logged: LogEntry[] } {
  const issuer = `${origin}${PATH}`;
  const shop = { name: "shop", account: "000000000000", role: "LambdaRoleProd", issuer };
  const callers = { ...TABLE.world, dev_issuers: [issuer], callers: [shop] };
  const logged: LogEntry[] = [];
  const verifier = createVerifier({ callers, development: true, log: (entry) => logged.push(entry) });
  logged.length = 0;
  return { verifier, logged, header: `Bearer ${token({ iss: issuer }, Date.now())}` };
}

test("keys are fetched from an issuer on this machine, by a plain GET", async () => {
  const seen: unknown[] = [];
  const origin = await listening(({ method, url, headers }, response) => {
    seen.push({ method, url, headers: Object.keys(headers).sort() });
    response.end(usualKeys("https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws/"));
  });
  const { verifier, header } = developing(origin);
  expect(await outcome(verifier.check(header, "GET", "/"))).toBe("caller shop");
  expect(seen).toEqual([
    { method: "GET", url: `${PATH}/.well-known/jwks.json`, headers: ["accept", "connection", "host"] },
  ]);
});

test.each<[string, (response: Parameters<RequestListener>[1]) => void, number, string]>([
  ["a redirect", (response) => response.writeHead(302, { location: PATH }).end(), 1, "status 302"],
  ["a refusal", (response) => response.writeHead(403).end(), 1, "status 403"],
  // What may come right is tried three times.
  ["an answer that breaks off", (response) => response.writeHead(200, { "content-length": 9 }).flushHeaders(), 3, ""],
])("%s brings no keys", async (_, answer, tries, message) => {
  let count = 0;
  const origin = await listening((_request, response) => {
    count += 1;
    answer(response);
    if (message === "") setImmediate(() => response.destroy());
  });
  const { verifier, header, logged } = developing(origin);
  expect(await outcome(verifier.check(header, "GET", "/"))).toBe("keys_unavailable");
  expect(count).toBe(tries);
  expect(logged).toMatchObject([{ code: "keys_not_fetched", message: expect.stringContaining(message) }]);
});

test("an answer without end is read no further than it may be", async () => {
  let sent = 0;
  let closed = () => {};
  const isClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const origin = await listening((_request, response) => {
    response.on("close", closed);
    const write = (): void => {
      if (response.destroyed) return;
      sent += 16_384;
      if (response.write("A".repeat(16_384))) setImmediate(write);
      else response.once("drain", write);
    };
    write();
  });
  const { verifier, header, logged } = developing(origin);
  expect(await outcome(verifier.check(header, "GET", "/"))).toBe("keys_unavailable");
  await isClosed;
  expect(sent).toBeLessThan(100_000_000);
  expect(logged).toMatchObject([{ message: expect.stringContaining("longer than 65536 bytes") }]);
});

test("nobody is there", async () => {
  const { verifier, header, logged } = developing("http://127.0.0.1:1");
  expect(await outcome(verifier.check(header, "GET", "/"))).toBe("keys_unavailable");
  expect(logged).toMatchObject([{ message: expect.stringContaining("ECONNREFUSED") }]);
});

const lookedUp = (...addresses: string[]) =>
  vi.spyOn(dns, "lookup").mockImplementation(((_host: string, _options: object, found: Json) => {
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  }) as Json);

/** A verifier of real issuers, without a `fetch`. */
function real(): { verifier: Verifier; header: string; logged: LogEntry[] } {
  const logged: LogEntry[] = [];
  const verifier = createVerifier({ callers: TABLE.world, log: (entry) => logged.push(entry) });
  return { verifier, logged, header: `Bearer ${token({}, Date.now())}` };
}

test.each([
  ["127.0.0.1"],
  ["10.0.0.1"],
  ["169.254.169.254"],
  ["::1"],
  ["fd00:ec2::254"],
  ["::ffff:192.168.0.1"],
  ["fe80::1%eth0"],
  ["10.0.0.1", "::1"],
  [],
])("an issuer that is found at %s is not asked", async (...addresses) => {
  const looked = lookedUp(...addresses);
  const { verifier, header, logged } = real();
  expect(await outcome(verifier.check(header, "GET", "/"))).toBe("keys_unavailable");
  expect(looked).toHaveBeenCalledOnce();
  expect(logged).toMatchObject([{ message: expect.stringContaining("is at no public address") }]);
});

/** The options with which a request is made. */
async function requestOptions(check: (verifier: Verifier, header: string) => Promise<unknown>): Promise<Json> {
  const made = vi.spyOn(https, "request").mockImplementation((() => {
    throw new Error("it is not sent");
  }) as Json);
  const { verifier, header } = real();
  await check(verifier, header);
  expect(made).toHaveBeenCalled();
  return made.mock.calls[0]?.[1];
}

test("the connection is made to the public addresses that were looked at", async () => {
  const { lookup } = await requestOptions((verifier, header) => outcome(verifier.check(header, "GET", "/")));
  lookedUp("10.0.0.1", "52.119.198.1", "::1", "2600:1f00::1");
  const found = (options: object) =>
    new Promise((resolve) => {
      (lookup as LookupFunction)("issuer.example", options, (...given) => resolve(given));
    });
  const all = [
    { address: "52.119.198.1", family: 4 },
    { address: "2600:1f00::1", family: 6 },
  ];
  expect(await found({ all: true })).toEqual([null, all]);
  expect(await found({})).toEqual([null, "52.119.198.1", 4]);
  vi.spyOn(dns, "lookup").mockImplementation(((_h: string, _o: object, told: Json) =>
    told(new Error("ENOTFOUND"))) as Json);
  expect(await found({ all: true })).toEqual([new Error("ENOTFOUND")]);
});

test("certificates are verified, whatever the environment says", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  const proof = `Bearer ${proofOf(proofValues(undefined, Date.now()))}`;
  expect(await requestOptions((verifier, header) => outcome(verifier.check(header, "GET", "/")))).toMatchObject({
    rejectUnauthorized: true,
  });
  vi.restoreAllMocks();
  // STS may be at a private address: a VPC's endpoint.
  const options = await requestOptions((verifier) => outcome(verifier.check(proof, "GET", "/")));
  expect(options).toMatchObject({ rejectUnauthorized: true, method: "POST" });
  expect(options).not.toHaveProperty("lookup");
});

test("in development STS is where the environment says, and is given the host that was signed", async () => {
  const seen: Json[] = [];
  const origin = await listening(async (request, response) => {
    const body = await readText(request);
    seen.push({ url: request.url, host: request.headers.host, body });
    const headers = new Headers(request.headers as Record<string, string>);
    const answer = sts("http://unused.example/", headers, request.headers.host);
    response.writeHead(answer.status).end(await answer.text());
  });
  vi.stubEnv("AWS_ENDPOINT_URL_STS", `${origin}/sts`);
  const logged: LogEntry[] = [];
  const verifier = createVerifier({
    callers: { ...TABLE.world, dev_issuers: ["http://127.0.0.1:1"] },
    development: true,
    log: (entry) => logged.push(entry),
  });
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
  const proof = proofOf(proofValues(undefined, Date.now()));
  expect(await outcome(verifier.check(`Bearer ${proof}`, "GET", "/"))).toBe("caller shop");
  expect(seen).toEqual([
    {
      url: "/sts",
      host: "sts.ap-northeast-1.amazonaws.com",
      body: "Action=GetCallerIdentity&Version=2011-06-15",
    },
  ]);
  expect(logged.map(({ code }) => code)).toEqual(["development"]);
});

test("a server that takes the connection and says nothing is given eight seconds", async () => {
  const silent = netServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { verifier, header, logged } = developing(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const connected = once(silent, "connection");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const check = outcome(verifier.check(header, "GET", "/"));
    const [socket] = await connected;
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await check).toBe("keys_unavailable");
    expect(logged).toMatchObject([{ message: expect.stringContaining("no whole answer in 8 s") }]);
    // The connection is given up, too.
    await once(socket.resume(), "close");
  } finally {
    vi.useRealTimers();
    silent.close();
  }
});
