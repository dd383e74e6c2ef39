// `xacct-sign-server` in every runtime, with tokens that jose made.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { edgeRuntime, startWorkerd } from "../lib/edges.mjs";
import { startIssuer } from "../lib/issuer.mjs";
import { emptyFolder, freshServer, notRun, outcomeOf, runs, tool } from "../lib/run.mjs";

let app;
let issuers;
before(async () => {
  [app, ...issuers] = await Promise.all([freshServer(), startIssuer("ES384"), startIssuer("RS256")]);
});
after(() => {
  for (const issuer of issuers ?? []) issuer.stop();
});

/**
 * Runs the scenario for both algorithms.
 *
 * @param {(input: string) => Promise<any>} perform
 */
async function assertServes(perform) {
  for (const issuer of issuers) {
    const good = await issuer.token();
    const changed = `${good.slice(0, -8)}AAAAAAAA`;
    const outcome = await perform(JSON.stringify({ callers: issuer.callers, tokens: [good, good, changed] }));
    assert.deepEqual(outcome, {
      answers: ["shop", 403, "shop", 403, 401, 401],
      logged: ["development", "route_refused", "route_refused", "signature_wrong", "signature_wrong"],
    });
  }
}

// No leave to read files or the environment: only the network, and only this machine.
const DENO = ["run", "--no-prompt", "--allow-net=127.0.0.1"];

for (const { name, program, options } of [
  { name: "Node", program: process.execPath, options: ["server-main.mjs"] },
  { name: "Node, CommonJS", program: process.execPath, options: ["server-main.cjs"] },
  { name: "Deno", program: tool("deno"), options: [...DENO, "server-main.mjs"] },
  { name: "Bun", program: tool("bun"), options: ["run", "server-main.mjs"] },
  { name: "Bun, CommonJS", program: tool("bun"), options: ["run", "server-main.cjs"] },
]) {
  test(name, async (context) => {
    const needed = `npm's package ${name.split(",")[0]?.toLowerCase()} has no build for this machine`;
    if (!(await runs(program))) return notRun(context, name, needed);
    await assertServes((input) => outcomeOf(program, [...options, input], app));
  });
}

for (const { name, program, options } of [
  { name: "Node", program: process.execPath, options: [] },
  { name: "Deno", program: tool("deno"), options: ["run", "--no-prompt", "--allow-net"] },
  { name: "Bun", program: tool("bun"), options: ["run"] },
]) {
  test(`an issuer is asked at public addresses alone: ${name}`, async (context) => {
    const needed = `npm's package ${name.toLowerCase()} has no build for this machine`;
    if (!(await runs(program))) return notRun(context, name, needed);
    const issuer = await startIssuer("ES384", "https://issuer.example.com");
    try {
      const input = JSON.stringify({ callers: issuer.callers, token: await issuer.token() });
      assert.deepEqual(await outcomeOf(program, [...options, "server-private.mjs", input], app), [
        "keys_not_fetched: the keys at https://issuer.example.com/.well-known/jwks.json cannot be fetched: " +
          "`issuer.example.com` is at no public address",
        "keys_unavailable",
      ]);
    } finally {
      issuer.stop();
    }
  });
}

for (const format of /** @type {const} */ (["esm", "cjs"])) {
  test(`esbuild, as for Lambda: ${format}`, async () => {
    const folder = emptyFolder();
    const file = format === "esm" ? "bundle.mjs" : "bundle.cjs";
    await build({
      absWorkingDir: app,
      entryPoints: [format === "esm" ? "server-main.mjs" : "server-main.cjs"],
      outfile: join(folder, file),
      bundle: true,
      platform: "node",
      target: "node20",
      format,
      minify: true,
      logLevel: "silent",
    });
    await assertServes((input) => outcomeOf(process.execPath, [file, input], folder));
  });
}

test("workerd, through miniflare", async () => {
  const worker = await startWorkerd(app, "server-worker.mjs");
  try {
    await assertServes(async (body) => {
      const answer = await worker.dispatchFetch("http://worker.example/", { method: "POST", body });
      return answer.json();
    });
  } finally {
    await worker.dispose();
  }
});

// Before `handle_cross_request_promise_resolution` (2024-10-14) a request that awaits what another one settles never ends.
for (const date of ["2024-01-01", "2026-01-01"]) {
  test(`workerd of ${date}: requests that wait for the keys that another one fetches`, async () => {
    const issuer = await startIssuer();
    const worker = await startWorkerd(app, "server-waiting-worker.mjs", date);
    const send = async (jti) => {
      const body = JSON.stringify({ callers: issuer.callers, token: await issuer.token({ jti }) });
      const answer = await worker.dispatchFetch("http://worker.example/", { method: "POST", body });
      return answer.text();
    };
    try {
      const publish = issuer.hold();
      const answers = ["1", "2", "3"].map(send);
      let isEarly = false;
      const early = () => {
        isEarly = true;
      };
      Promise.race(answers).then(early, early);
      const begun = async () => (await worker.dispatchFetch("http://worker.example/")).json();
      while ((await begun()) !== answers.length || issuer.fetched === 0) assert.ok(!isEarly);
      publish();
      assert.deepEqual(await Promise.all(answers), ['"shop"', '"shop"', '"shop"']);
      assert.equal(issuer.fetched, 1);
    } finally {
      await worker.dispose();
      issuer.stop();
    }
  });
}

test("Express: the path that it is mounted at, and those below", async () => {
  const express = createRequire(import.meta.url)("express");
  const { createVerifier } = await import(
    pathToFileURL(join(app, "node_modules/xacct-sign-server/dist/index.js")).href
  );
  const [issuer] = issuers;
  const [caller] = issuer.callers.callers;
  const callers = { ...issuer.callers, callers: [{ ...caller, routes: ["GET /api", "GET /api/items/{id}"] }] };
  const verifier = createVerifier({ callers, development: true, log() {} });
  const application = express();
  application.use("/api", verifier.middleware(), (request, response) => response.send(request.caller.name));
  const server = application.listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const headers = { authorization: `Bearer ${await issuer.token()}` };
    const statuses = ["/api", "/api?x=/y", "/api/items/1", "/api/", "/api/items", "/API"].map(async (path) => {
      const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers });
      return [path, answer.status];
    });
    assert.deepEqual(Object.fromEntries(await Promise.all(statuses)), {
      "/api": 200,
      "/api?x=/y": 200,
      "/api/items/1": 200,
      "/api/": 403,
      "/api/items": 403,
      "/API": 403,
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("the edge runtime", async () => {
  const runtime = await edgeRuntime(app, "server-edge.mjs");
  await assertServes(async (body) => {
    const answer = await runtime.dispatchFetch("http://edge.example/", { method: "POST", body });
    return answer.json();
  });
});
