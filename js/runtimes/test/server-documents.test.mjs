// The JavaScript in docs/javascript-server.md, run as it stands, but for development: jose's tokens come from an issuer on this machine.

import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startIssuer } from "../lib/issuer.mjs";
import { freshServer, run, tool } from "../lib/run.mjs";

const text = readFileSync(new URL("../../../docs/javascript-server.md", import.meta.url), "utf8");
const snippets = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

const PEERS = ["cors", "express", "fastify", "hono", "koa", "koa-mount", "@types/express", "@types/koa", "@types/node"];

let issuer;
let app;
before(async () => {
  [issuer, app] = await Promise.all([startIssuer(), freshServer(...PEERS)]);
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
    // By this `doctor` knows what the server asks for.
    assert.equal(answer.headers.get("www-authenticate"), status === 401 ? "Bearer" : null);
    assert.equal(await answer.text(), "");
  }
}

test("it has its snippets", () => assert.equal(snippets.length, 6));

for (const [index, name] of /** @type {[number, string][]} */ ([
  [0, "Express"],
  [5, "node:http"],
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
  [2, "fetch-style"],
  [3, "Hono"],
])) {
  test(name, async () => {
    const { default: served } = await import(pathToFileURL(written(index)).href);
    await letsInCallersAlone((path, init) => served.fetch(new Request(`https://api.example.com${path}`, init)));
  });
}

/** Runs a server of ours for as long as something is sent to it. */
async function listening(server, run) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const imported = (name) => import(pathToFileURL(createRequire(join(app, "app.js")).resolve(name)).href);

/** @param {string[]} [routes] in place of the issuer's caller's */
async function developed(routes) {
  const { createVerifier } = await import(
    pathToFileURL(join(app, "node_modules/xacct-sign-server/dist/index.js")).href
  );
  const [caller] = issuer.callers.callers;
  const callers = { ...issuer.callers, callers: [{ ...caller, ...(routes && { routes }) }] };
  return createVerifier({ development: true, callers, log: () => {} });
}

test("Koa and Fastify", async () => {
  const [{ default: Koa }, { default: Fastify }] = await Promise.all([imported("koa"), imported("fastify")]);
  const [koa, fastify] = [new Koa(), Fastify()];
  new Function("verifier", "koa", "fastify", snippets[1] ?? "")(await developed(), koa, fastify);
  koa.use(async (context) => {
    // The answer waits for what comes behind the check.
    await Promise.resolve().then(() => {});
    context.body = { hello: context.req.caller.name };
  });
  let handled = 0;
  fastify.get("/items/:id", async (request) => {
    handled += 1;
    await new Promise(setImmediate);
    return { hello: request.raw.caller.name };
  });
  await fastify.ready();
  for (const server of [createServer(koa.callback()), fastify.server]) {
    await listening(server, (origin) => letsInCallersAlone((path, init) => fetch(origin + path, init)));
  }
  assert.equal(handled, 1);
});

test("below a mount of Koa's the path that was sent counts, too", async () => {
  const [{ default: Koa }, { default: mount }] = await Promise.all([imported("koa"), imported("koa-mount")]);
  const headers = { authorization: `Bearer ${await issuer.token()}` };
  for (const [routes, expected] of /** @type {[string[], number][]} */ ([
    [["GET /items/{id}"], 403],
    [["GET /admin/items/{id}"], 403],
    [["GET /items/{id}", "GET /admin/items/{id}"], 200],
  ])) {
    const [outer, koa] = [new Koa(), new Koa()];
    new Function("verifier", "koa", "fastify", snippets[1] ?? "")(await developed(routes), koa, { addHook() {} });
    koa.use((context) => {
      context.body = context.url;
    });
    outer.use(mount("/admin", koa));
    await listening(createServer(outer.callback()), async (origin) => {
      const answer = await fetch(`${origin}/admin/items/1`, { headers });
      assert.deepEqual([answer.status, await answer.text()], [expected, expected === 200 ? "/items/1" : ""]);
    });
  }
});

test("CORS goes before the check in Express, and HEAD is a method of its own", async () => {
  const [{ default: express }, { default: cors }] = await Promise.all([imported("express"), imported("cors")]);
  const application = express();
  application.use(cors(), (await developed()).middleware());
  application.get("/items/:id", (_request, response) => response.send("item"));
  await listening(createServer(application), async (origin) => {
    const asked = { origin: "https://page.example.com", "access-control-request-method": "GET" };
    const preflight = await fetch(`${origin}/items/1`, { method: "OPTIONS", headers: asked });
    assert.equal(preflight.status, 204);
    const refused = await fetch(`${origin}/items/1`);
    assert.deepEqual([refused.status, refused.headers.get("access-control-allow-origin")], [401, "*"]);
    const headers = { authorization: `Bearer ${await issuer.token()}` };
    const answers = [];
    for (const method of ["GET", "HEAD"]) answers.push((await fetch(`${origin}/items/1`, { method, headers })).status);
    assert.deepEqual(answers, [200, 403]);
  });
});

test("the programs compile in strict TypeScript, written as the page says", async () => {
  const express = "request.caller!";
  const fetching = "fetch(request: Request)";
  const hono = "new Hono<{ Variables: { caller: Caller } }>()";
  const [koa, fastify] = ["(context.req as NodeRequest).caller!", "(request.raw as NodeRequest).caller!"];
  for (const written of [express, fetching, hono, koa, fastify]) assert.ok(text.includes(`\`${written}\``), written);
  const identity = readFileSync(new URL("../../../docs/identity.md", import.meta.url), "utf8");
  const [, ofIdentity = ""] = /^```ts\n(.*?)^```$/ms.exec(identity) ?? [];
  const given = 'import { createVerifier, type Caller, type Verifier } from "xacct-sign-server";';
  // The lines for Koa and Fastify stand among others.
  const around = (code) => `
    import { readFileSync } from "node:fs";
    import Fastify from "fastify";
    import Koa from "koa";
    import { createVerifier, type NodeRequest } from "xacct-sign-server";
    const verifier = createVerifier({ callers: readFileSync("callers.json", "utf8") });
    const [koa, fastify] = [new Koa(), Fastify()];
    ${code}
    koa.use((context) => {
      context.body = { hello: ${koa}.name };
    });
    fastify.get("/items/:id", async (request) => ({ hello: ${fastify}.name }));
  `;
  const typed = snippets.map((code, index) =>
    (index === 1 ? around(code) : code)
      .replace(/request\.caller;/, `${express};`)
      .replace("fetch(request)", fetching)
      .replace("new Hono()", hono)
      .replace("import { createVerifier }", "import { type Caller, createVerifier }"),
  );
  const ofPage = `import { readFileSync } from "node:fs";\nimport express from "express";\n${given}\nconst app = express();\n${ofIdentity}`;
  const files = [...typed, ofPage].map((code, index) => {
    const name = `program-${index}.ts`;
    writeFileSync(join(app, name), code);
    return name;
  });
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    lib: ["ES2022", "DOM", "DOM.Iterable"],
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    noEmit: true,
  };
  writeFileSync(join(app, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const outcome = await run(tool("tsc"), ["--project", app], app).catch((error) => error.stdout);
  assert.equal(outcome, "");
});

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
  const { handler } = await import(pathToFileURL(written(4)).href);
  const http = { method: "GET", path: "/items/1" };
  const userArn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
  const authorizer = { iam: { accountId: "000000000000", userArn } };
  const event = (context) => ({ version: "2.0", rawPath: "/items/1", requestContext: { http, ...context } });
  assert.deepEqual(await handler(event({ authorizer }), {}), { statusCode: 200, body: '{"hello":"shop"}' });
  assert.equal((await handler(event({}), {})).statusCode, 401);
});
