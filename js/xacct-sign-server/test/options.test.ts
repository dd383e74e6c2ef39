// How a verifier is made.

import { afterEach, expect, test, vi } from "vitest";
import * as entry from "xacct-sign-server";
import { createVerifier, type LogEntry, type VerifierOptions, XacctSignError } from "xacct-sign-server";
import { good, type Json, merged, outcome, proofOf, proofValues, TABLE, token, tokenOf, worldOf } from "./world.js";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const callers = TABLE.world;
const text = JSON.stringify(callers);
const DEV_ISSUER = "http://127.0.0.1:4100/issuers/000000000000";
const development = {
  ...callers,
  dev_issuers: [DEV_ISSUER],
  callers: [{ name: "shop", account: "000000000000", role: "LambdaRoleProd", issuer: DEV_ISSUER }],
};

test.each<[string, VerifierOptions["callers"]]>([
  ["an object", callers],
  ["its text", text],
  ["its text, indented", JSON.stringify(callers, undefined, 2)],
  ["its bytes", new TextEncoder().encode(text)],
  ["its bytes in an ArrayBuffer", new TextEncoder().encode(text).buffer],
  ["its text with a byte order mark", `\uFEFF${text}`],
  ["its bytes with a byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(text)])],
  ["what PowerShell's `>` writes", Buffer.from(`\uFEFF${text}`, "utf16le")],
  ["UTF-16 in the other order", Buffer.from(`\uFEFF${text}`, "utf16le").swap16()],
])("callers.json is taken as %s", async (_, given) => {
  const { verifier } = worldOf({ callers: given as object });
  const { header, claims } = good();
  const text = tokenOf(JSON.stringify(header), JSON.stringify(claims));
  expect(await outcome(verifier.check(`Bearer ${text}`, "GET", "/items"))).toBe("caller shop");
});

const loop: Json = {};
loop.loop = loop;
const misread = Buffer.from(`\uFEFF${text}`, "utf16le").toString("utf8");

test.each<[string, unknown, string]>([
  ["nothing", undefined, "invalid_option"],
  ["no callers", {}, "invalid_option"],
  ["a file's name", { callers: "callers.json" }, "invalid_option"],
  ["a number", { callers: 1 }, "invalid_option"],
  ["a promise", { callers: Promise.resolve(text) }, "invalid_option"],
  ["a file's URL", { callers: new URL("file:///callers.json") }, "invalid_option"],
  ["an ArrayBuffer of something else", { callers: new ArrayBuffer(4) }, "callers_malformed"],
  ["a list", { callers: [callers] }, "invalid_option"],
  ["what is no JSON", { callers: loop }, "invalid_option"],
  ["bytes that are not UTF-8", { callers: new Uint8Array([0x7b, 0xff]) }, "callers_malformed"],
  ["an empty text", { callers: "" }, "callers_malformed"],
  ["white space", { callers: "\uFEFF \r\n" }, "callers_malformed"],
  ["UTF-16 that was read as UTF-8", { callers: misread }, "invalid_option"],
  ["UTF-16 without a mark", { callers: Buffer.from(text, "utf16le") }, "callers_malformed"],
  ["a member that stands twice", { callers: text.replace("{", '{"version":1,') }, "callers_malformed"],
  ["a name that is none", { callers, developement: true }, "invalid_option"],
  ["development as a text", { callers, development: "false" }, "invalid_option"],
  ["a log that is none", { callers, log: console }, "invalid_option"],
  ["a fetch that is none", { callers, fetch: "https" }, "invalid_option"],
  ["a clock that is none", { callers, now: 0 }, "invalid_option"],
  ["issuers for development", { callers: development }, "development_only"],
  ["issuers for development, and development false", { callers: development, development: false }, "development_only"],
])("no verifier is made of %s", (_, options, code) => {
  try {
    createVerifier(options as VerifierOptions);
  } catch (error) {
    expect(error).toBeInstanceOf(XacctSignError);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/./) });
    return;
  }
  throw new Error("a verifier was made");
});

test.each<[string, unknown, RegExp]>([
  ["development", "false", /^give true where nobody real calls/],
  ["log", console, /^give a function, such as \(entry\) => logger\.warn\(entry\)/],
  ["fetch", "https", /^give a function with the arguments of `fetch`/],
  ["now", 0, /^give a function that returns a Date, such as \(\) => new Date\(\)/],
  ["identityHeader", "x-caller", /^it is the caller's: what carries it here puts its value into `authorization`/],
  ["header", "x-caller", /^there are callers, /],
])("the hint of %s says what may stand there", (name, value, hint) => {
  const make = () => createVerifier({ callers, [name]: value } as VerifierOptions);
  expect(make).toThrow(expect.objectContaining({ code: "invalid_option", hint: expect.stringMatching(hint) }));
});

test("what somebody put on Object.prototype is no option", () => {
  const prototype = Object.prototype as Json;
  prototype.development = true;
  try {
    expect(() => createVerifier({ callers: development })).toThrow(
      expect.objectContaining({ code: "development_only" }),
    );
  } finally {
    delete prototype.development;
  }
});

test("a verifier for development says so when it is made", () => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4100/sts");
  const logged: LogEntry[] = [];
  createVerifier({ callers: development, development: true, log: (entry) => logged.push(entry) });
  expect(logged).toEqual([
    {
      code: "development",
      message:
        "the verifier is made for development: issuers on this machine are taken, and http://127.0.0.1:4100 is asked in STS's place",
      hint: "where real callers call, leave out `development`",
    },
  ]);
});

test("a verifier for development that asks AWS's STS says so, and what to set, also where that cannot be asked", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "");
  const sts = () => Promise.reject(new Error("socket hang up"));
  const { verifier, logged } = worldOf({ callers: development, development: true, sts });
  expect(await outcome(verifier.check(`Bearer ${proofOf(proofValues())}`, "GET", "/"))).toBe("sts_unavailable");
  const hint = expect.stringMatching(/set AWS_ENDPOINT_URL_STS, or make the verifier in `asCaller`: it is read then$/);
  expect(logged).toMatchObject([
    { code: "development", message: expect.stringMatching(/, and AWS's STS is asked$/), hint },
    { code: "sts_not_asked", hint },
  ]);
});

test("to the console, unless a log is given", () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  createVerifier({ callers: development, development: true });
  expect(warned.mock.calls).toEqual([[expect.stringMatching(/^xacct-sign-server: development: the verifier is made/)]]);
});

test.each([
  ["is not for development", false],
  ["has no issuers for development", true],
])("one that %s says nothing, and asks STS alone", async (_, development) => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:4100/sts");
  const { verifier, asked, logged } = worldOf({ development });
  expect(await outcome(verifier.check(`Bearer ${proofOf(proofValues())}`, "GET", "/"))).toBe("caller shop");
  expect(asked).toEqual(["https://sts.ap-northeast-1.amazonaws.com/"]);
  expect(logged).toEqual([]);
});

// The codes of Rust and Python: it is their rule.
test.each([
  ["127.0.0.1:4100", "invalid_endpoint"],
  ["file:///tmp", "invalid_endpoint"],
  ["x", "invalid_endpoint"],
  ["http://sts.example", "insecure_url"],
  ["http://127.0.0.1.example:4100", "insecure_url"],
  ["http://127.1:4100", "insecure_url"],
  ["http://0x7f.1:4100", "insecure_url"],
  ["http://user@127.0.0.1:4100", "invalid_endpoint"],
  ["https://user:password@sts.example", "invalid_endpoint"],
  ["http://127.0.0.1:4100?a=b", "invalid_endpoint"],
  ["http://127.0.0.1:4100/#a", "invalid_endpoint"],
])("an endpoint of STS that is none stops it: %s", (endpoint, code) => {
  vi.stubEnv("AWS_ENDPOINT_URL_STS", endpoint);
  const make = () => createVerifier({ callers: development, development: true });
  const hint = expect.stringMatching(/^give it a URL of https, or of this machine/);
  expect(make).toThrow(expect.objectContaining({ code, hint }));
  expect(make).toThrow(/^AWS_ENDPOINT_URL_STS names no usable STS: /);
  expect(make).not.toThrow("password");
});

test("an argument that is no string is a mistake, and lets nobody in", async () => {
  const { verifier } = worldOf();
  const check = verifier.check as (...given: unknown[]) => Promise<unknown>;
  for (const given of [
    [],
    [1, "GET", "/"],
    [[1], "GET", "/"],
    ["Bearer x", undefined, "/"],
    ["Bearer x", "GET", {}],
    ["Bearer x", [], "/"],
    ["Bearer x", "GET", []],
  ]) {
    const hint = expect.stringContaining("check(request.headersDistinct.authorization, request.method, path)");
    await expect(check.apply(verifier, given)).rejects.toMatchObject({ code: "invalid_argument", hint });
  }
  await expect(verifier.check(undefined, "GET", "/")).rejects.toMatchObject({ code: "authorization_missing" });
  await expect(verifier.check(null, "GET", "/")).rejects.toMatchObject({ code: "authorization_missing" });
  await expect(verifier.check([], "GET", "/")).rejects.toMatchObject({ code: "authorization_missing" });
});

test.each<[string, unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a text", "https://api.example.com/"],
  ["Node's request", { method: "GET", url: "/", headers: { authorization: "Bearer x" } }],
  ["Hono's context", { req: new Request("https://api.example.com/") }],
])("what is no Request is a mistake, and lets nobody in: %s", async (_, request) => {
  const { verifier, logged } = worldOf();
  const serving = verifier.serve(request as Request, () => expect.unreachable());
  await expect(serving).rejects.toMatchObject({
    name: "XacctSignError",
    code: "invalid_argument",
    message: "`serve` got no `Request`",
    hint: expect.stringContaining("middleware()"),
  });
  expect(logged).toEqual([]);
});

test("what is no function is no handler, which is told when it is made", () => {
  const { verifier } = worldOf();
  const make = verifier.handler as (handle?: unknown) => unknown;
  for (const handle of [undefined, null, {}]) {
    expect(() => make.call(verifier, handle)).toThrow(
      expect.objectContaining({ code: "invalid_argument", hint: expect.stringContaining("(event, context, caller)") }),
    );
  }
});

test("`serve` without a function is a mistake, and lets nobody in", async () => {
  const { verifier } = worldOf();
  const request = new Request("https://api.example.com/items", { headers: { authorization: `Bearer ${token()}` } });
  const serve = verifier.serve as (request: Request, handle?: unknown) => Promise<unknown>;
  for (const handle of [undefined, null, new Response()]) {
    const hint = expect.stringContaining("serve(request, (caller) =>");
    await expect(serve.call(verifier, request, handle)).rejects.toMatchObject({ code: "invalid_argument", hint });
  }
});

test("what is no event is refused", async () => {
  const { verifier } = worldOf();
  const fromEvent = verifier.fromEvent as (event?: unknown) => Promise<unknown>;
  for (const event of [undefined, null, 5, "", "x", []]) {
    await expect(fromEvent.call(verifier, event)).rejects.toMatchObject({ name: "RefusedError", status: 401 });
  }
});

test.each<[string, unknown]>([
  ["Number", 5],
  ["Function", () => text],
  ["AsyncFunction", async () => text],
  ["Promise", Promise.resolve(text)],
  ["Array", [callers]],
])("callers that are given, and are none, are said to be of their type: %s", (type, given) => {
  const error = { code: "invalid_option", message: `\`callers\` is of the type ${type}, and no callers.json` };
  expect(() => createVerifier({ callers: given as object })).toThrow(expect.objectContaining(error));
});

test.each([undefined, null])("callers that are not given are said not to be: %s", (given) => {
  expect(() => createVerifier({ callers: given as never })).toThrow("`callers` is not given");
});

test("what is changed later in the object of callers changes nothing", async () => {
  const given = merged(callers);
  const { verifier } = worldOf({ callers: given });
  given.audience = "https://other.example.com";
  expect(await outcome(verifier.check(`Bearer ${token()}`, "GET", "/items"))).toBe("caller shop");
});

test("UTF-16 that was read as UTF-8 is said to be that", () => {
  expect(() => createVerifier({ callers: misread })).toThrow("`callers` was read as UTF-8, and is none");
});

test("classes are called as they are exported, as who logs one sees", () => {
  const classes = Object.entries(entry).filter(([name]) => /^[A-Z]/.test(name));
  expect(classes.map(([, { name }]) => name)).toEqual(classes.map(([name]) => name));
  expect(worldOf().verifier.constructor.name).toBe("Verifier");
});
