// A refusal that explains itself: `tests/explain.toml` through the packed package, and answers to real calls, whose canonical
// request aws4 computes.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import aws4 from "aws4";
import { parse } from "smol-toml";
import { startWorkerd } from "../lib/edges.mjs";
import { startEmulator } from "../lib/emulator.mjs";
import { freshApp } from "../lib/run.mjs";

/** @type {any} */
const TABLE = parse(readFileSync(new URL("../../../tests/explain.toml", import.meta.url), "utf8"));
const SECRETS = ["SECRETTOKEN", "SECRETVALUE"];
const region = "ap-northeast-1";
const credentials = { accessKeyId: "AKID", secretAccessKey: "SECRETVALUE", sessionToken: "SECRETTOKEN/+=" };

let folder;
let xacct;
let explained;
before(async () => {
  folder = await freshApp();
  const require = createRequire(join(folder, "main.mjs"));
  xacct = await import(pathToFileURL(join(folder, "package.mjs")).href);
  explained = await import(
    pathToFileURL(require.resolve("xacct-sign/explain").replace("explain.cjs", "explain.js")).href
  );
});

/** @param {any[]} findings */
const codes = (findings) => findings.map(({ code }) => code);

/** @param {any[]} findings */
function holdNoSecret(findings) {
  const text = JSON.stringify(findings);
  for (const secret of SECRETS) assert.ok(!text.includes(secret), text);
}

for (const { name, exchange, code, side, says } of TABLE.case) {
  test(`the table: ${name}`, async () => {
    const findings = explained.explainExchange(exchange);
    assert.deepEqual(codes(findings), code);
    assert.deepEqual(
      findings.map((each) => each.side),
      side,
    );
    holdNoSecret(findings);
    for (const { reason, hint } of findings) assert.ok(reason && hint);
    const texts = findings.map(({ reason, hint }) => `${reason}\n${hint}\n`).join("");
    for (const part of says ?? []) assert.ok(texts.includes(part), `${part} is not in ${texts}`);
    if (Object.keys(exchange).some((key) => !["status", "headers", "body"].includes(key)) || !exchange.status) return;
    // The same as an answer that somebody else has fetched.
    const response = new Response(exchange.body, { status: exchange.status, headers: exchange.headers });
    // What has no type gets one that says nothing.
    assert.deepEqual(codes(await explained.explain(response)), code);
    assert.equal(await response.text(), exchange.body ?? "");
  });
}

const servers = [];
after(() => {
  for (const server of servers) server.close();
});

/**
 * A REST API that computes the signature by aws4, of a request that was changed on its way.
 *
 * @param {(seen: any) => void} change
 */
async function restApi(change) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const names = /SignedHeaders=([^,]*)/.exec(request.headers.authorization ?? "")?.[1].split(";") ?? [];
    const headers = Object.fromEntries(
      names.flatMap((name) => (name in request.headers ? [[name, request.headers[name]]] : [])),
    );
    /** @type {any} */
    const seen = { method: request.method, path: request.url, headers, body, host: headers.host };
    change(seen);
    const signer = new aws4.RequestSigner(
      { ...seen, service: "execute-api", region, doNotModifyHeaders: true },
      { accessKeyId: "AKID", secretAccessKey: "another" },
    );
    const message = `The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'${signer.canonicalString()}'\n\nThe String-to-Sign should have been\n'${signer.stringToSign()}'\n`;
    response.writeHead(403, { "x-amzn-errortype": "InvalidSignatureException" });
    response.end(JSON.stringify({ message }));
  });
  servers.push(server);
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  return `http://127.0.0.1:${/** @type {any} */ (server.address()).port}`;
}

/** @type {[string, (seen: any) => void, string][]} */
const CHANGES = [
  ["nothing", () => {}, "secret_wrong"],
  [
    "the path",
    (seen) => {
      seen.path = seen.path.replace("/v1", "");
    },
    "path_changed",
  ],
  [
    "the query",
    (seen) => {
      seen.path += "&utm=1";
    },
    "query_changed",
  ],
  [
    "the body",
    (seen) => {
      seen.body += " ";
    },
    "body_changed",
  ],
  [
    "a header",
    (seen) => {
      seen.headers["content-type"] = "text/plain";
    },
    "header_changed",
  ],
  [
    "the token",
    (seen) => {
      delete seen.headers["x-amz-security-token"];
    },
    "token_wrong",
  ],
];
for (const [what, change, code] of CHANGES) {
  test(`what was changed on the way is named: ${what}`, async () => {
    const url = await restApi(change);
    const api = xacct.createFetch({ credentials, region });
    const init = { method: "PUT", headers: { "content-type": "application/json" }, body: '{"foo":"bar"}' };
    const answer = await api(`${url}/v1/hoge?q=a%20b`, init);
    const findings = await explained.explain(answer);
    assert.deepEqual(codes(findings), [code], JSON.stringify(findings));
    holdNoSecret(findings);
    assert.ok((await answer.text()).includes("Canonical String"), "the body can still be read");
    // Read already, it is not there any more.
    assert.deepEqual(codes(await explained.explain(answer)), ["forbidden"]);
  });
}

test("a bare Forbidden, by the ESM and the CommonJS copy", async () => {
  const emulator = await startEmulator();
  try {
    const copy = createRequire(join(folder, "main.cjs"))("xacct-sign/explain");
    // As itself the caller may not.
    const api = xacct.createFetch({ credentials: emulator.base, region: emulator.region });
    for (const { explain } of [explained, copy]) {
      const answer = await api(`${emulator.url}/hoge`);
      assert.deepEqual(codes(await explain(answer)), ["wrong_account"]);
    }
  } finally {
    await emulator.stop();
  }
});

test("a body that was read before is not an empty one", async () => {
  const headers = { "apigw-requestid": "Z3" };
  const fetch = async () => new Response('{"message":"Forbidden"}', { status: 403, headers });
  const answer = await xacct.createFetch({ credentials, region, fetch })("https://api.example.com/");
  assert.equal(await answer.text(), '{"message":"Forbidden"}');
  assert.deepEqual(codes(await explained.explain(answer)), ["forbidden"]);
});

test("the answers of a server that was shown a token explain themselves", async () => {
  const token = "eyJhbGciOiJFUzM4NCJ9.e30.c2ln";
  const page = { "content-type": "text/html", server: "gunicorn" };
  /** @type {[number, Record<string, string>, string, string[]][]} */
  const rows = [
    [401, { "www-authenticate": "Bearer" }, "", ["identity_refused"]],
    [403, { server: "uvicorn" }, "", ["route_refused"]],
    [503, {}, "", ["identity_unchecked"]],
    [500, {}, `{"detail":"${token}"}`, ["api_failed"]],
    [200, page, "<!doctype html><p>hello", []],
    [200, page, "<!doctype html><title>Log in</title>", ["not_the_api"]],
  ];
  for (const [status, headers, body, expected] of rows) {
    const fetch = async () => new Response(body, { status, headers });
    const answer = await xacct.createFetch({ identity: async () => token, fetch })("https://api.example.com/");
    const findings = await explained.explain(answer);
    assert.deepEqual(codes(findings), expected);
    assert.ok(!JSON.stringify(findings).includes(token), JSON.stringify(findings));
  }
});

test("an answer that is no refusal has nothing to explain", async () => {
  const api = xacct.createFetch({ credentials, region, fetch: async () => new Response("{}") });
  assert.deepEqual(await explained.explain(await api("https://api.example.com/")), []);
});

test("what is no Response is refused", async () => {
  for (const wrong of [undefined, null, {}, "x", { status: 403 }]) {
    await assert.rejects(explained.explain(wrong), { code: "invalid_option" });
  }
});

test("workerd, through miniflare", async () => {
  const worker = `import { explain } from "xacct-sign/explain";
    const answer = () => new Response('{"message":"Forbidden"}', { status: 403 });
    export default { fetch: async () => Response.json(await explain(answer())) };`;
  writeFileSync(join(folder, "explain-worker.mjs"), worker);
  const miniflare = await startWorkerd(folder, "explain-worker.mjs");
  try {
    const answer = await miniflare.dispatchFetch("http://worker.example/");
    assert.deepEqual(codes(/** @type {any} */ (await answer.json())), ["forbidden"]);
  } finally {
    await miniflare.dispose();
  }
});
