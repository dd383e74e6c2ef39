// The faces: what the application is told, what the client is told, what the log is told.

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text as readText } from "node:stream/consumers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Caller, createVerifier, type NodeRequest, RefusedError, type Verifier } from "xacct-sign-server";
import { type Json, PATHS, TABLE, token, type World, worldOf } from "./world.js";

const servers: Server[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) server.close();
});

const READER = { sub: "arn:aws:iam::000000000000:role/Reader" };
const bearer = (changes: Json = {}) => `Bearer ${token(changes)}`;

/** A server that says who calls. */
async function served({ verifier }: World): Promise<number> {
  const middleware = verifier.middleware();
  const server = createServer((request: IncomingMessage & { caller?: Caller }, response) => {
    middleware(request, response, () => response.end(`caller ${request.caller?.name}`));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What each face does with a request of the table, whose target is handed over as its server does. */
async function answersTo({ sent, left = sent, mounted_at: baseUrl = "", method = "GET" }: Json): Promise<Json> {
  const authorization = bearer(READER);
  const faces: Json = {};
  const told = (world: World, let_in: boolean) => (let_in ? undefined : world.logged.at(-1)?.code);
  const framework = worldOf();
  const request: NodeRequest = {
    ...{ method, url: left, baseUrl, originalUrl: sent },
    rawHeaders: ["authorization", authorization],
  };
  await framework.verifier.middleware()(request, { statusCode: 200, setHeader() {}, end() {} }, () => {});
  faces.Express = told(framework, request.caller?.name === "reader");
  if (left !== sent) return faces;
  const node = worldOf();
  const lines = [`${method} ${sent} HTTP/1.1`, `Authorization: ${authorization}`] as const;
  const answer = await answerTo(await served(node), ...lines);
  // Of some targets Node itself says that they are none.
  if (!answer.startsWith("HTTP/1.1 400 ")) faces.Node = told(node, answer.endsWith("caller reader"));
  const headers = new Headers({ authorization });
  const requests: Json = { "a server's own request": { method, url: sent, headers } };
  if (sent.startsWith("/")) {
    const url = `http://api.example.com${sent}`;
    requests["a server's own request with its host"] = { method, url, headers };
    requests["a Request"] = new Request(url, { method, headers });
  }
  for (const [name, request] of Object.entries<Parameters<Verifier["serve"]>[0]>(requests)) {
    const world = worldOf();
    faces[name] = told(world, (await world.verifier.serve(request, () => "let in")) === "let in");
  }
  return faces;
}

/** The whole answer to these lines. */
async function answerTo(port: number, ...lines: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write([...lines, "Host: api.example.com", "Connection: close", "", ""].join("\r\n"));
  return readText(socket);
}

describe("middleware", () => {
  test("a caller is let in, and known to the application", async () => {
    const world = worldOf();
    const answer = await answerTo(await served(world), "GET /items HTTP/1.1", `Authorization: ${bearer()}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n\r\ncaller shop$/);
    expect(world.logged).toEqual([]);
  });

  test("who is none is told 401 and no more; the log has the reason, and not the query", async () => {
    const world = worldOf();
    const answer = await answerTo(await served(world), "GET /items?access_token=SECRET HTTP/1.1");
    const [head, body] = answer.split("\r\n\r\n") as [string, string];
    const lines = head.split("\r\n").map((line) => line.toLowerCase());
    expect(lines.filter((line) => !line.startsWith("date:"))).toEqual([
      "http/1.1 401 unauthorized",
      "www-authenticate: bearer",
      "content-length: 0",
      "connection: close",
    ]);
    expect(body).toBe("");
    expect(world.logged).toEqual([
      {
        code: "authorization_missing",
        status: 401,
        method: "GET",
        path: "/items",
        message: "the request has no Authorization header",
        hint: expect.stringMatching(/Bearer/),
      },
    ]);
  });

  test("a caller on a route of others is told 403", async () => {
    const world = worldOf();
    const port = await served(world);
    const header = `Authorization: ${bearer(READER)}`;
    expect(await answerTo(port, "GET /items/1?q=/admin HTTP/1.1", header)).toMatch(/^HTTP\/1\.1 200 /);
    for (const path of ["/admin", "/items/..%2fadmin", "//items/1", "http://api.example.com/admin", "*"]) {
      const answer = await answerTo(port, `GET ${path} HTTP/1.1`, header);
      expect(answer, path).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
      expect(answer).not.toMatch(/www-authenticate/i);
    }
    expect(world.logged.map(({ code }) => code)).toEqual([
      "route_refused",
      "route_refused",
      "route_refused",
      "route_refused",
      "path_unreadable",
    ]);
  });

  test("a header that wants another method is the caller's as much as the method", async () => {
    const world = worldOf();
    const port = await served(world);
    const header = `Authorization: ${bearer(READER)}`;
    const url = "http://api.example.com/items/1";
    for (const [name, value, let_in] of [
      ["X-HTTP-Method-Override", "DELETE", false],
      ["x-http-method", "put", false],
      ["X-Method-Override", "PATCH", false],
      ["X-Method-Override", "get", true],
    ] as const) {
      const answer = await answerTo(port, "GET /items/1 HTTP/1.1", header, `${name}: ${value}`);
      expect(answer.endsWith("caller reader"), `${name}: ${value}`).toBe(let_in);
      const request = new Request(url, { headers: { authorization: bearer(READER), [name]: value } });
      const answered = await world.verifier.serve(request, () => "let in");
      expect(answered === "let in", `${name}: ${value}`).toBe(let_in);
    }
    expect(new Set(world.logged.map(({ code }) => code))).toEqual(new Set(["method_override_refused"]));
    expect(world.logged).toHaveLength(6);
  });

  test("a refusal after somebody else has answered changes nothing, and ends no process", async () => {
    let refuse = (_: Response) => {};
    const world = worldOf({ keys: () => new Promise<Response>((resolve) => (refuse = resolve)) });
    const middleware = world.verifier.middleware();
    const outcomes: Promise<void>[] = [];
    const server = createServer((request, response) => {
      outcomes.push(middleware(request, response, () => response.end("next")));
      response.writeHead(504).end("too late");
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await answerTo(port, "GET /items HTTP/1.1", `Authorization: ${bearer()}`)).toMatch(/too late/);
    refuse(new Response(null, { status: 500 }));
    await expect(Promise.all(outcomes)).resolves.toEqual([undefined]);
    expect(world.logged.at(-1)).toMatchObject({ code: "keys_unavailable", status: 503 });
  });

  test("an outage is a 503", async () => {
    const world = worldOf({ keys: () => new Response(null, { status: 500 }) });
    const answer = await answerTo(await served(world), "GET /items HTTP/1.1", `Authorization: ${bearer()}`);
    expect(answer).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(world.logged.map(({ code }) => code)).toEqual(["keys_not_fetched", "keys_unavailable"]);
  });

  // `request.headers` of Node has the first one alone.
  test.each([
    ["the same twice", [bearer(), bearer()]],
    ["the good one first", [bearer(), "Bearer x"]],
    ["the good one last", ["Bearer x", bearer()]],
  ])("two headers are refused: %s", async (_, [first, last]) => {
    const world = worldOf();
    const lines = [`Authorization: ${first}`, `AUTHORIZATION: ${last}`];
    expect(await answerTo(await served(world), "GET /items HTTP/1.1", ...lines)).toMatch(/^HTTP\/1\.1 401 /);
    expect(world.logged).toMatchObject([{ code: "authorization_twice" }]);
  });

  test("a value that reads like the header's name is none", async () => {
    const port = await served(worldOf());
    const lines = ["X-Name: authorization", `Authorization: ${bearer()}`, "X-Other: authorization"];
    expect(await answerTo(port, "GET /items HTTP/1.1", ...lines)).toMatch(/^HTTP\/1\.1 200 /);
  });

  /** What middleware does with a request, as a framework has it. */
  async function outcomeOf(request: Partial<NodeRequest>, { verifier }: World = worldOf()): Promise<string> {
    const told: NodeRequest = { method: "GET", rawHeaders: ["authorization", bearer(READER)], ...request };
    const response = { statusCode: 200, setHeader: () => {}, end: () => {} };
    let isNext = false;
    await verifier.middleware()(told, response, () => {
      isNext = true;
    });
    expect(isNext).toBe(told.caller !== undefined);
    return isNext ? `caller ${told.caller?.name}` : String(response.statusCode);
  }

  test.each<[string, Partial<NodeRequest>, string]>([
    ["connect, mounted", { url: "/items/1", originalUrl: "/admin/items/1" }, "403"],
    ["nobody's framework", { url: "/items/1" }, "caller reader"],
    ["nothing", {}, "403"],
    ["another method", { url: "/items/1", method: "DELETE" }, "403"],
  ])("the path is the one that the application sees: %s", async (_, request, expected) => {
    expect(await outcomeOf(request)).toBe(expected);
  });

  test.each<[string, Partial<NodeRequest>, string]>([
    ["they count where there are no others", { rawHeaders: [] }, "caller reader"],
    ["several of them are several", { rawHeaders: [], headers: { authorization: ["Bearer x", "Bearer y"] } }, "401"],
    ["an adapter has no raw ones at all", { rawHeaders: undefined }, "caller reader"],
    ["they do not count beside raw ones", { rawHeaders: ["host", "api.example.com"] }, "401"],
    ["there are none", { rawHeaders: [], headers: {} }, "401"],
  ])("headers that an adapter made: %s", async (_, request, expected) => {
    const headers = { authorization: bearer(READER) };
    expect(await outcomeOf({ url: "/items/1", headers, ...request })).toBe(expected);
  });

  test("the method itself in place of what it gives is told as that", () => {
    const { middleware } = worldOf().verifier;
    expect(() => (middleware as (...given: unknown[]) => unknown)({}, {}, () => {})).toThrow(
      expect.objectContaining({ code: "invalid_argument", hint: "write app.use(verifier.middleware())" }),
    );
  });

  test("options, of which it has none, are refused, and so is a request", () => {
    const { verifier } = worldOf();
    const middleware = verifier.middleware.bind(verifier) as (...given: unknown[]) => unknown;
    for (const given of [[{ except: ["/health"] }], [null], [undefined, "/items"], [{}, {}, () => {}]]) {
      expect(() => middleware(...given)).toThrow(
        expect.objectContaining({
          code: "invalid_argument",
          hint: expect.stringMatching(/^it takes no options: write app\.use\(verifier\.middleware\(\)\)/),
        }),
      );
    }
    expect(middleware(undefined)).toBeInstanceOf(Function);
  });

  test("of a list whose callers come by events alone there is none, which is told at once", () => {
    for (const [name, callers] of Object.entries(TABLE.fronts)) {
      const { verifier } = worldOf({ callers: callers as object });
      expect(() => verifier.middleware(), name).toThrow(
        expect.objectContaining({
          code: "invalid_option",
          message: "tokens and proofs are taken on a stage of the target `server` alone",
          hint: expect.stringContaining("the front says who is calling"),
        }),
      );
    }
    expect(Object.keys(TABLE.fronts)).toContain("function_url");
  });

  // What frameworks and adapters hand over is not always what their types say, and Express 4 catches no rejection.
  test.each<[string, Json]>([
    ["a number", { url: 5 }],
    ["null", { url: null, originalUrl: null, baseUrl: null }],
    ["a number beside a good one", { url: "/items/1", originalUrl: 5 }],
    ["mounted at a number", { url: "/items/1", originalUrl: "/admin/items/1", baseUrl: 5 }],
    ["a method that is none", { url: "/items/1", method: null }],
  ])("a request that has no text where one is lets nobody in: %s", async (_, request) => {
    const world = worldOf();
    expect(await outcomeOf(request, world)).toMatch(/^(403|503)$/);
    expect(world.logged).toHaveLength(1);
    // And the next one finds all as it was.
    expect(await outcomeOf({ url: "/items/1" }, world)).toBe("caller reader");
  });

  test("a check that fails by itself is a 503", async () => {
    const logged: Json[] = [];
    const now = () => {
      throw new Error("no clock");
    };
    const verifier = createVerifier({ callers: TABLE.world, now, log: (entry) => logged.push(entry) });
    expect(await outcomeOf({ url: "/items/1" }, { ...worldOf(), verifier })).toBe("503");
    expect(logged).toMatchObject([{ code: "check_failed", message: "the check failed: no clock", status: 503 }]);
  });

  test("who calls is what the check says, and not what was there before", async () => {
    const shop: Caller = { name: "admin", arn: "x", via: "token" };
    const told: NodeRequest = {
      method: "GET",
      url: "/items/1",
      rawHeaders: ["Authorization", bearer(READER)],
      caller: shop,
    };
    await worldOf().verifier.middleware()(told, { statusCode: 200, setHeader() {}, end() {} }, () => {});
    expect(told.caller?.name).toBe("reader");
  });
});

test.each<Json>(PATHS)("every face says of $name what the table does", async (row) => {
  for (const [face, code] of Object.entries(await answersTo(row))) expect(code, face).toBe(row.code);
});

describe("serve", () => {
  const request = (path: string, headers: HeadersInit = { authorization: bearer(READER) }, method = "GET") =>
    new Request(`https://api.example.com${path}`, { headers, method });

  test("calls its function for callers, and answers who is refused without it", async () => {
    const world = worldOf();
    const told = await world.verifier.serve(request("/items/1?a=b"), async (caller) => ({ hello: caller.name }));
    expect(told).toEqual({ hello: "reader" });
    const cases: [Request, number, string][] = [
      [request("/items/1", {}), 401, "authorization_missing"],
      [
        request("/items/1", [
          ["authorization", bearer()],
          ["authorization", bearer()],
        ]),
        401,
        "authorization_malformed",
      ],
      [request("/items/1/../../admin"), 403, "route_refused"],
      [request("/items/%2e%2e%2fadmin"), 403, "route_refused"],
      [request("/items/1", { authorization: bearer(READER) }, "DELETE"), 403, "route_refused"],
      [request(""), 403, "route_refused"],
    ];
    for (const [refused, status, code] of cases) {
      const answer = await world.verifier.serve(refused, () => expect.unreachable(`${refused.url} is let in`));
      expect(answer.status).toBe(status);
      expect(await answer.text()).toBe("");
      expect(answer.headers.get("www-authenticate")).toBe(status === 401 ? "Bearer" : null);
      expect(world.logged.pop()).toMatchObject({ code, status });
    }
  });

  test("what its function throws is the function's", async () => {
    const { verifier, logged } = worldOf();
    const own = () => {
      throw new Error("the function's own");
    };
    await expect(verifier.serve(request("/items/1"), own)).rejects.toThrow("the function's own");
    expect(logged).toEqual([]);
  });

  // Servers on Node make requests whose URL is the text that came.
  test.each([
    ["http://api.example.com/items/1", undefined],
    ["http://api.example.com/items/../admin", "/items/../admin"],
    ["http://api.example.com\\admin", "\\admin"],
    ["http://api.example.com?/items/1", "/"],
    ["http://api.example.com", "/"],
    ["http://api.example.com#/items/1", "#/items/1"],
    ["http://api.example.com/items/1#/\n?", "/items/1#/\n"],
    ["/items/1", undefined],
    ["items/1", "items/1"],
  ])("the path of %s", async (url, refused) => {
    const { verifier, logged } = worldOf();
    const headers = new Headers({ authorization: bearer(READER) });
    const answer = await verifier.serve({ method: "GET", url, headers }, () => "let in");
    expect(logged.map(({ path }) => path)).toEqual(refused === undefined ? [] : [refused]);
    expect(answer === "let in").toBe(refused === undefined);
  });
});

describe("handler", () => {
  const iam = {
    accountId: "000000000000",
    userArn: "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders",
    principalOrgId: "o-klmnopqrst",
  };
  const http = { method: "GET", path: "/items" };
  const event = { version: "2.0", rawPath: "/items", headers: {}, requestContext: { http, authorizer: { iam } } };
  const world = () => worldOf({ callers: TABLE.fronts.function_url });

  test("is called for callers, with event, context and caller", async () => {
    const handled: unknown[] = [];
    const handler = world().verifier.handler(async (given: typeof event, context: { id: number }, caller) => {
      handled.push(given, context, caller.name);
      return { statusCode: 200 };
    });
    // Lambda's runtime calls a function of three parameters with a callback.
    expect(handler).toHaveLength(2);
    const context = { id: 1 };
    expect(await handler(event, context)).toEqual({ statusCode: 200 });
    expect(handled).toEqual([event, context, "shop"]);
    expect(handled[0]).toBe(event);
  });

  test("is not called for others", async () => {
    const { verifier, logged } = world();
    const handler = verifier.handler(() => {
      throw new Error("it is called");
    });
    const unsigned = { ...event, requestContext: { http } };
    expect(await handler(unsigned, {})).toEqual({
      statusCode: 401,
      headers: { "www-authenticate": "Bearer" },
      body: "",
    });
    expect(logged).toMatchObject([{ code: "event_without_identity", status: 401, method: "GET", path: "/items" }]);
  });

  test("what the handler throws is the handler's", async () => {
    const handler = world().verifier.handler(() => {
      throw new Error("the handler's own");
    });
    await expect(handler(event, {})).rejects.toThrow("the handler's own");
  });

  test.each<[string, Json]>([
    ["a number", 1],
    ["a list", []],
    ["what is no JSON", { ...event, headers: { big: 1n } }],
    ["no context", { ...event, requestContext: null }],
    ["a text", "{"],
    ["nothing", undefined],
  ])("%s is no event", async (_, given) => {
    const { verifier } = world();
    await expect(verifier.fromEvent(given)).rejects.toBeInstanceOf(RefusedError);
    expect(await verifier.handler(() => "called")(given, {})).toMatchObject({ statusCode: 401 });
  });

  test("what is not read of an event may be anything", async () => {
    const looked = { ...event, body: { toJSON: () => expect.unreachable() }, big: 1n, queryStringParameters: event };
    expect(await world().verifier.fromEvent(looked)).toMatchObject({ name: "shop", via: "function_url" });
  });
});

test("what a client sent stays on its line of the log", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const verifier = createVerifier({ callers: TABLE.fronts.function_url });
  const path = `/a\nxacct-sign-server: all is well\u001b[2K${"x".repeat(1000)}`;
  const event = { version: "2.0", rawPath: path, requestContext: { http: { method: "GE\nT", path } } };
  await verifier.handler(() => "called")(event, {});
  const [[line]] = warned.mock.calls as [[string]];
  expect(line).toMatch(/^xacct-sign-server: 401 "GE\\nT" "\/a\\nxacct-sign-server.*event_without_identity: /);
  expect(line).not.toMatch(/[\u0000-\u001f]/);
  expect(line.length).toBeLessThan(600);
});
