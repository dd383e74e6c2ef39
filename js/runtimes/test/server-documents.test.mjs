// The JavaScript in docs/javascript-server.md, run as it stands, but for development: jose's tokens come from an issuer on this machine.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startIssuer } from "../lib/issuer.mjs";
import { freshServer } from "../lib/run.mjs";

const text = readFileSync(new URL("../../../docs/javascript-server.md", import.meta.url), "utf8");
const snippets = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

let issuer;
let app;
before(async () => {
  [issuer, app] = await Promise.all([startIssuer(), freshServer("express", "hono")]);
  writeFileSync(join(app, "callers.json"), JSON.stringify(issuer.callers));
});
after(() => issuer?.stop());

/** Writes a snippet, whose verifier is for development, into the app. */
function written(index) {
  const name = `snippet-${index}.mjs`;
  const code = snippets[index] ?? "";
  assert.equal(code.split("createVerifier({ callers").length, 2);
  writeFileSync(
    join(app, name),
    code.replace("createVerifier({ callers", "createVerifier({ development: true, callers"),
  );
  return join(app, name);
}

/** @param {(path: string, init?: RequestInit) => Response | Promise<Response>} send */
async function letsInCallersAlone(send) {
  const authorization = `Bearer ${await issuer.token()}`;
  const hello = await send("/items/1?a=b", { headers: { authorization } });
  assert.equal(hello.status, 200);
  assert.equal(/** @type {any} */ (await hello.json()).hello, "shop");
  const refusals = /** @type {[number, string, HeadersInit][]} */ ([
    [401, "/items/1", {}],
    [401, "/items/1", { authorization: `Bearer ${await issuer.token({ aud: "https://other.example.com" })}` }],
    [403, "/admin", { authorization }],
    [403, "/items/..%2Fadmin", { authorization }],
  ]);
  for (const [status, path, headers] of refusals) {
    const answer = await send(path, { headers });
    assert.equal(answer.status, status, path);
    assert.equal(await answer.text(), "");
  }
}

test("it has its snippets", () => assert.equal(snippets.length, 5));

for (const [index, name] of /** @type {[number, string][]} */ ([
  [0, "Express"],
  [4, "node:http"],
])) {
  test(name, async () => {
    const options = { cwd: app, execArgv: ["--import", "./listening.mjs"], env: { PATH: process.env.PATH } };
    const server = fork(written(index), [], { ...options, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    let said = "";
    for (const stream of [server.stdout, server.stderr]) stream?.on("data", (part) => (said += part));
    try {
      const exit = once(server, "exit").then(() => assert.fail(said));
      const [{ port }] = await Promise.race([once(server, "message"), exit]);
      await letsInCallersAlone((path, init) => fetch(`http://127.0.0.1:${port}${path}`, init));
      if (name === "Express") assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
      for (const code of ["authorization_missing", "audience_refused", "route_refused"])
        assert.ok(said.includes(code), said);
    } finally {
      server.removeAllListeners();
      server.kill();
    }
  });
}

for (const [index, name] of /** @type {[number, string][]} */ ([
  [1, "fetch-style"],
  [2, "Hono"],
])) {
  test(name, async () => {
    const { default: served } = await import(pathToFileURL(written(index)).href);
    await letsInCallersAlone((path, init) => served.fetch(new Request(`https://api.example.com${path}`, init)));
  });
}

test("Lambda", async () => {
  const callers = {
    version: 1,
    stage: "prod",
    target: "function_url",
    partition: "aws",
    access: "direct",
    callers: [{ name: "shop", account: "000000000000", role: "LambdaRoleProd" }],
  };
  writeFileSync(join(app, "callers.json"), JSON.stringify(callers));
  const { handler } = await import(pathToFileURL(written(3)).href);
  const http = { method: "GET", path: "/items/1" };
  const userArn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
  const authorizer = { iam: { accountId: "000000000000", userArn } };
  const event = (context) => ({ version: "2.0", rawPath: "/items/1", requestContext: { http, ...context } });
  assert.deepEqual(await handler(event({ authorizer }), {}), { statusCode: 200, body: '{"hello":"shop"}' });
  assert.equal((await handler(event({}), {})).statusCode, 401);
});
