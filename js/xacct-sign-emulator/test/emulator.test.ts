// What an emulator tells, and what it notes.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test, vi } from "vitest";
import { type EmulatorOptions, startEmulator, XacctSignError } from "xacct-sign-emulator";
import { Calls } from "../src/calls.js";
import { assumed, call, DEMO, direct, FRONTS, REGION, started } from "./world.js";

const ROLE = "arn:aws:iam::111111111111:role/ApiHttp";
const folder = mkdtempSync(join(tmpdir(), "xacct-sign-emulator-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function failure(run: () => unknown): Promise<XacctSignError> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof XacctSignError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

test("each stage and STS have a port of their own", async () => {
  const emulator = await started();
  const urls = [emulator.stsUrl, ...["http", "rest", "restd", "url", "urld"].map((stage) => emulator.url(stage))];
  for (const url of urls) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+(\/v1)?$/);
  expect(new Set(urls.map((url) => new URL(url).port)).size).toBe(6);
  expect(emulator.url("rest")).toMatch(/\/v1$/);
});

test("a caller assumes its role with its own credentials, and what it calls is noted", async () => {
  const emulator = await started();
  const credentials = await assumed(emulator, "shop", "http", ROLE);
  const seen = await call("PUT", `${emulator.url("http")}/hoge?a=1`, { credentials, body: '{"foo":"bar"}' });
  expect(seen.status).toBe(200);
  expect(JSON.parse(seen.body)).toMatchObject({
    method: "PUT",
    path: "/hoge",
    query: "a=1",
    body: '{"foo":"bar"}',
    requestContext: { authorizer: { iam: { userArn: "arn:aws:sts::111111111111:assumed-role/ApiHttp/test" } } },
  });
  expect(emulator.calls).toEqual([{ method: "PUT", path: "/hoge", status: 200, stage: "http", caller: "shop" }]);
});

const because = (code: string) => expect.stringMatching(`^${code}: .`);

test("refused calls are noted, too, each where it came, and why", async () => {
  const emulator = await started();
  const own = emulator.credentials("shop", "http");
  const nobody = { ...own, accessKeyId: "ASIAAAAAAAAAAAAAAAAA" };
  await call("GET", `${emulator.url("http")}/a%2Fb?c=d`);
  await call("GET", `${emulator.url("http")}/x`, { credentials: own });
  await call("DELETE", `${emulator.url("rest")}/x`, { credentials: nobody });
  await direct(emulator, "POST", "/hoge", { body: "x" });
  await call("GET", new URL("/elsewhere", emulator.url("restd")).href, { credentials: own });
  expect(emulator.calls).toEqual([
    { method: "GET", path: "/a%2Fb", status: 403, stage: "http", caller: null },
    { method: "GET", path: "/x", status: 403, stage: "http", caller: "shop" },
    { method: "DELETE", path: "/v1/x", status: 403, stage: "rest", caller: null },
    { method: "POST", path: "/v1/hoge", status: 200, stage: "restd", caller: "shop" },
    { method: "GET", path: "/elsewhere", status: 403, stage: "restd", caller: null },
  ]);
  expect(emulator.calls.map(({ reason }) => reason)).toEqual([
    because("signature_missing"),
    because("not_allowed"),
    because("unknown_key"),
    undefined,
    because("outside_stage"),
  ]);
});

test("calls stand in the order in which they came, and have no status until they are answered", async () => {
  let release = () => {};
  const held = new Promise<void>((fulfil) => {
    release = fulfil;
  });
  const came = vi.fn();
  const upstream = async ({ url }: Request) => {
    came();
    if (url.endsWith("/first")) await held;
    return new Response("done");
  };
  const emulator = await started({ upstream });
  const shown = () => emulator.calls.map(({ path, status, caller }) => [path, status, caller]);
  const first = direct(emulator, "GET", "/first");
  await vi.waitFor(() => expect(came).toHaveBeenCalledTimes(1));
  await direct(emulator, "GET", "/second");
  expect(shown()).toEqual([
    ["/v1/first", null, "shop"],
    ["/v1/second", 200, "shop"],
  ]);
  release();
  await first;
  expect(shown()).toEqual([
    ["/v1/first", 200, "shop"],
    ["/v1/second", 200, "shop"],
  ]);
});

test("a call whose body breaks off was sent, too, and so was one that the emulator's end breaks off", async () => {
  const came = vi.fn();
  const emulator = await started({ upstream: () => new Promise<Response>(() => came()) });
  const { hostname, port } = new URL(emulator.url("restd"));
  const broken = connect(Number(port), hostname);
  broken.write("PUT /v1/half HTTP/1.1\r\nhost: a.example\r\ncontent-length: 9\r\n\r\nhalf");
  await vi.waitFor(() => expect(emulator.calls.length).toBe(1));
  broken.destroy();
  const under = expect(direct(emulator, "GET", "/x")).rejects.toThrow("socket hang up");
  await vi.waitFor(() => expect(came).toHaveBeenCalled());
  await emulator.close();
  await under;
  expect(emulator.calls).toEqual([
    { method: "PUT", path: "/v1/half", status: null, stage: "restd", caller: null },
    { method: "GET", path: "/v1/x", status: null, stage: "restd", caller: "shop" },
  ]);
});

test("what was sent before the list was emptied does not get into it", () => {
  const calls = new Calls({ keepsSts: false });
  const call = { method: "GET", path: "/", status: null, stage: "stag", caller: null };
  const before = calls.came({ ...call, path: "/before" });
  calls.clear();
  const after = calls.came({ ...call, path: "/after" });
  for (const answered of [before, after]) answered({ status: 200, caller: null });
  expect(calls.list).toEqual([{ ...call, path: "/after", status: 200 }]);
});

test("what STS refused is kept where somebody asks for it, and not for ever for nobody", () => {
  for (const keepsSts of [true, false]) {
    const calls = new Calls({ keepsSts });
    const sts = calls.came({ method: "POST", path: "/", status: null, stage: "", caller: null });
    sts({ status: 403, caller: null }, "signature_missing: none");
    expect(calls.refused()).toEqual(keepsSts ? ["sts POST / 403 signature_missing: none"] : []);
    calls.clear();
    expect(calls.refused()).toEqual([]);
  }
});

test("who is not there is told who is", async () => {
  const emulator = await started({ manifest: DEMO });
  for (const ask of [() => emulator.url("test"), () => emulator.credentials("shop", "test")]) {
    const error = await failure(ask);
    expect([error.code, error.message]).toEqual([
      "unknown_stage",
      `the manifest has no stage \`test\`; it has deve, prod, stag (unknown_stage: ${error.hint})`,
    ]);
  }
  for (const ask of [() => emulator.credentials("shp", "stag"), () => emulator.asCaller("shp", "stag", () => 1)]) {
    const error = await failure(ask);
    const hint = "give the name of a table `[callers.NAME]` of the manifest";
    const text = `the manifest has no caller \`shp\`; it has shop (unknown_caller: ${hint})`;
    expect([error.code, error.message, error.hint]).toEqual(["unknown_caller", text, hint]);
  }
});

test("a caller is asked for on the stages that it is on", async () => {
  const manifest = readFileSync(DEMO, "utf8").replace(', prod = "LambdaRoleProd"', "");
  const emulator = await started({ manifest });
  expect(emulator.credentials("shop", "stag").accessKeyId).toMatch(/^ASIA/);
  const { code, message, hint } = await failure(() => emulator.credentials("shop", "prod"));
  expect([code, message]).toEqual([
    "caller_not_on_stage",
    `the caller \`shop\` is not on the stage \`prod\`; it is on deve, stag (caller_not_on_stage: ${hint})`,
  ]);
});

test.each<[string, EmulatorOptions["manifest"]]>([
  ["text", readFileSync(DEMO, "utf8")],
  ["a path", DEMO],
  ["a URL", pathToFileURL(DEMO)],
  ["a URL as text", pathToFileURL(DEMO).href],
])("a manifest is %s", async (_, manifest) => {
  const emulator = await started({ manifest });
  expect(emulator.url("stag")).toMatch(/^http:/);
});

test("a file's lock file counts", async () => {
  const manifest = join(folder, "xacct.toml");
  copyFileSync(DEMO, manifest);
  await started({ manifest });
  const lock = join(folder, "xacct.lock.toml");
  writeFileSync(lock, "version = 1\nnonsense = true\n");
  const { message } = await failure(() => started({ manifest }));
  expect(message).toContain(lock);
});

test("a lock file that cannot be read is told as that, and not as the manifest", async () => {
  const manifest = join(folder, "locked.toml");
  copyFileSync(DEMO, manifest);
  const lock = join(folder, "locked.lock.toml");
  mkdirSync(lock);
  const { code, message, hint } = await failure(() => startEmulator({ manifest }));
  expect(code).toBe("manifest_unreadable");
  expect(message).toContain(`cannot read the lock file \`${lock}\``);
  expect(hint).toBe("make it readable, or restore it from version control");
});

test("a manifest that is not there names its file", async () => {
  const path = join(folder, "none", "xacct.toml");
  const { code, message, hint, cause } = await failure(() => startEmulator({ manifest: path }));
  expect([code, message]).toEqual([
    "manifest_unreadable",
    `cannot read the manifest \`${path}\`: ENOENT: no such file or directory, open '${path}' (manifest_unreadable: ${hint})`,
  ]);
  expect(hint).toContain("`xacct.toml`");
  expect(cause).toBeInstanceOf(Error);
});

test("a manifest is read as Windows PowerShell writes it", async () => {
  const manifest = join(folder, "utf-16.toml");
  writeFileSync(manifest, Buffer.from(`\uFEFF${readFileSync(DEMO, "utf8")}`, "utf16le"));
  const emulator = await started({ manifest });
  expect(emulator.url("stag")).toMatch(/^http:/);
});

test("a manifest that is no text is refused", async () => {
  const manifest = join(folder, "latin-1.toml");
  writeFileSync(manifest, Buffer.from(`# M\u00fcller\n${readFileSync(DEMO, "utf8")}`, "latin1"));
  const { code, message } = await failure(() => startEmulator({ manifest }));
  expect(code).toBe("file_not_text");
  expect(message).toContain(`\`${manifest}\` is not text in UTF-8`);
});

test.each<[string, unknown, string]>([
  ["nothing", undefined, "undefined"],
  ["a function", () => "{}", "a function"],
  ["a bigint", 1n, "a bigint"],
])("a policy that is %s is refused", async (_, document, kind) => {
  const policies = { "arn:aws:iam::111111111111:policy/Boundary": document as object };
  const { code, message } = await failure(() => startEmulator({ manifest: DEMO, policies }));
  expect([code, message]).toEqual(["invalid_option", expect.stringContaining(`has ${kind} for \`arn:`)]);
});

test("a manifest that is wrong has its code and its place", async () => {
  const manifest = readFileSync(DEMO, "utf8").replace('"111111111111"', '"1"');
  const { code, message } = await failure(() => startEmulator({ manifest }));
  expect([code, message.split(":").slice(0, 3).join(":")]).toEqual(["invalid_account_id", "xacct.toml:4:11"]);
});

test.each<[string, unknown, string]>([
  ["none", undefined, "no options are given"],
  ["a manifest's path by itself", DEMO, "the manifest is given by itself, and not as an option"],
  ["a manifest's URL by itself", pathToFileURL(DEMO), "the manifest is given by itself, and not as an option"],
  ["no manifest", {}, "`manifest` is not given"],
  ["an empty manifest", { manifest: "" }, "`manifest` is empty"],
  ["a manifest of another kind", { manifest: 5 }, "`manifest` is a number, and neither text nor a URL"],
  ["a manifest's bytes", { manifest: readFileSync(DEMO) }, "`manifest` is bytes, and neither text nor a URL"],
  ["a manifest as an object", { manifest: {} }, "`manifest` is an object, and neither text nor a URL"],
  [
    "a manifest elsewhere",
    { manifest: new URL("https://example.com/xacct.toml") },
    "`https://example.com/xacct.toml` is no URL of a file",
  ],
  ["a name that is none", { manifest: DEMO, port: 1 }, "`port` is no option"],
  ["an upstream of another kind", { manifest: DEMO, upstream: "ftp://example.com" }, "`upstream` is neither"],
  ["an upstream with a query", { manifest: DEMO, upstream: "http://127.0.0.1:1/?a" }, "`upstream` is neither"],
  ["an upstream with a password", { manifest: DEMO, upstream: "http://a:b@127.0.0.1:1" }, "`upstream` is neither"],
  ["a text for explain", { manifest: DEMO, explain: "yes" }, "`explain` is neither true nor false"],
  ["a text for policies", { manifest: DEMO, policies: "x" }, "`policies` is no object with a document for each ARN"],
  ["a list for policies", { manifest: DEMO, policies: [] }, "`policies` is no object with a document for each ARN"],
  ["a map for policies", { manifest: DEMO, policies: new Map() }, "`policies` is no object with a document"],
])("options: %s", async (_, options, text) => {
  const { code, message, hint } = await failure(() => startEmulator(options as EmulatorOptions));
  expect(code).toBe("invalid_option");
  expect(message).toContain(text);
  expect(hint).toMatch(/^(give|there are) /);
  expect(message).not.toContain("a:b");
});

test("a page's URL, as a test in jsdom has it, is told by its environment", async () => {
  vi.stubGlobal("document", {});
  const { message } = await failure(() => startEmulator({ manifest: new URL("http://localhost:3000/xacct.toml") }));
  vi.unstubAllGlobals();
  expect(message).toContain("run these tests in the environment `node`");
});

test("a reason is told only where it is asked for", async () => {
  const [told, untold] = [await started({ explain: true }), await started()];
  const reason = async (url: string) => (await call("GET", url)).headers["x-xacct-reason"];
  expect(await reason(told.url("http"))).toMatch(/^signature_missing: /);
  expect(await reason(untold.url("http"))).toBeUndefined();
});

test("a permissions boundary limits where its document is given, and is told of where it is not", async () => {
  const boundary = "arn:aws:iam::111111111111:policy/limits";
  const manifest = readFileSync(FRONTS, "utf8").replace("[api]\n", `[api]\npermissions_boundary = "${boundary}"\n`);
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const nothing = { Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] };
  const outcome = async (policies?: Record<string, string | object>) => {
    const emulator = await started({ manifest, policies });
    const credentials = await assumed(emulator, "shop", "http", ROLE);
    return (await call("GET", `${emulator.url("http")}/hoge`, { credentials })).status;
  };
  expect(await outcome({ [boundary]: nothing })).toBe(403);
  expect(await outcome({ [boundary]: JSON.stringify(nothing) })).toBe(403);
  expect(warned).not.toHaveBeenCalled();
  expect(await outcome()).toBe(200);
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(boundary), {
    type: "XacctSignWarning",
    code: "unknown_boundary",
  });
  warned.mockRestore();
  const { code } = await failure(() =>
    started({ manifest, policies: { "arn:aws:iam::111111111111:policy/other": nothing } }),
  );
  expect(code).toBe("unknown_policy");
  const unusable = await failure(() => started({ manifest, policies: { [boundary]: {} } }));
  expect([unusable.code, unusable.hint]).toEqual(["policy_unusable", expect.stringContaining("as IAM takes it")]);
});

test("two emulators do not know each other's callers", async () => {
  const [one, other] = [await started(), await started()];
  const credentials = one.credentials("shop", "restd");
  expect(credentials).not.toEqual(other.credentials("shop", "restd"));
  expect((await direct(one, "GET", "/x")).status).toBe(200);
  expect((await direct(other, "GET", "/x", { credentials })).status).toBe(403);
  expect([one.calls.length, other.calls.length]).toEqual([1, 1]);
});

test("a server takes callers by their tokens, and notes who called", async () => {
  const manifest = `
    [api]
    account = "111111111111"
    region = "${REGION}"
    [identity]
    audience = "https://api.example.com"
    [stages.server]
    target = "server"
    [callers.shop]
    account = "000000000000"
    roles = { server = "Shop" }
    issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
  `;
  const emulator = await started({ manifest });
  const form = { Action: "GetWebIdentityToken", Version: "2011-06-15", "Audience.member.1": "https://api.example.com" };
  const body = new URLSearchParams({ ...form, SigningAlgorithm: "ES384", DurationSeconds: "300" }).toString();
  const told = await emulator.asCaller("shop", "server", () => ({ ...process.env }));
  expect(told).toMatchObject({ XACCT_AUDIENCE: "https://api.example.com", XACCT_URL: emulator.url("server") });
  const answer = await call("POST", `${emulator.stsUrl}/`, {
    credentials: emulator.credentials("shop", "server"),
    service: "sts",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body,
  });
  const token = /<WebIdentityToken>([^<]+)/.exec(answer.body)?.[1];
  const url = `${emulator.url("server")}/items?a=b`;
  expect((await call("GET", url)).status).toBe(401);
  expect((await call("GET", url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  expect(emulator.calls).toEqual([
    { method: "GET", path: "/items", status: 401, stage: "server", caller: null },
    { method: "GET", path: "/items", status: 200, stage: "server", caller: "shop" },
  ]);
  expect(emulator.calls[0]?.reason).toEqual(because("authorization_missing"));
});

test("the list of callers is of servers alone", async () => {
  const emulator = await started();
  for (const [stage, code, text] of [
    ["none", "unknown_stage", "the manifest has no stage `none`"],
    [
      "http",
      "invalid_option",
      "the stage `http` is no server, and has no list of callers (invalid_option: give a stage",
    ],
  ] as const) {
    const error = await failure(() => emulator.callers(stage));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(text)]);
  }
});

test("where Node's permissions keep it from listening, it says what to give", async () => {
  const flags = vi.spyOn(process, "allowedNodeEnvironmentFlags", "get").mockReturnValue(new Set(["--allow-net"]));
  Object.defineProperty(process, "permission", { value: { has: () => false }, configurable: true });
  const { code, hint } = await failure(() => started());
  flags.mockRestore();
  Reflect.deleteProperty(process, "permission");
  expect([code, hint]).toEqual(["port_unusable", "this version of Node wants `--allow-net` for it"]);
  await started();
});

test("a test that sets the clock sets the emulator's", async () => {
  const emulator = await started();
  vi.useFakeTimers({ toFake: ["Date"], now: new Date("2030-01-01T00:00:00Z") });
  try {
    const credentials = await assumed(emulator, "shop", "http", ROLE);
    const status = async () => (await call("GET", `${emulator.url("http")}/x`, { credentials })).status;
    expect(await status()).toBe(200);
    vi.setSystemTime(new Date("2030-01-01T00:59:59Z"));
    expect(await status()).toBe(200);
    vi.setSystemTime(new Date("2030-01-01T01:00:00Z"));
    expect(await status()).toBe(403);
  } finally {
    vi.useRealTimers();
  }
});

test("closing breaks off what is under way, frees the ports, and may be done twice", async () => {
  const came = vi.fn();
  const emulator = await started({ upstream: () => new Promise<Response>(() => came()) });
  const url = `${emulator.url("restd")}/x`;
  const under = direct(emulator, "GET", "/x");
  const broken = expect(under).rejects.toThrow("socket hang up");
  await vi.waitFor(() => expect(came).toHaveBeenCalled());
  await Promise.all([emulator.close(), emulator.close()]);
  await broken;
  await expect(call("GET", url)).rejects.toThrow("ECONNREFUSED");
});

test("one that is closed says so, whatever it is asked, but for the calls that were sent", async () => {
  const emulator = await started();
  await direct(emulator, "GET", "/x");
  await emulator.close();
  const run = vi.fn();
  for (const ask of [
    () => emulator.stsUrl,
    () => emulator.url("restd"),
    () => emulator.callers("restd"),
    () => emulator.credentials("shop", "restd"),
    () => emulator.asCaller("shop", "restd", run),
  ]) {
    const { code, message, hint } = await failure(ask);
    expect(code).toBe("emulator_not_running");
    expect(message).toBe(`the emulator is closed (emulator_not_running: ${hint})`);
    expect(hint).toBe("close it behind whatever needs it; `startEmulator` starts another one");
  }
  expect(run).not.toHaveBeenCalled();
  expect(emulator.calls).toMatchObject([{ path: "/v1/x", status: 200 }]);
});
