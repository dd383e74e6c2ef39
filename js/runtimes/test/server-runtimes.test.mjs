// `xacct-sign-server` in every runtime, with tokens that jose made.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { parse } from "smol-toml";
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

// Where Express is mounted, and what it makes of targets, is what the table has.
test("Express: the paths of tests/paths.toml", async () => {
  const express = createRequire(import.meta.url)("express");
  const { createVerifier } = await import(
    pathToFileURL(join(app, "node_modules/xacct-sign-server/dist/index.js")).href
  );
  const [issuer] = issuers;
  const [caller] = issuer.callers.callers;
  const callers = { ...issuer.callers, callers: [{ ...caller, routes: ["GET /items/{id}", "POST /orders"] }] };
  const logged = [];
  const log = ({ status, code }) => status !== undefined && logged.push(code);
  const verifier = createVerifier({ callers, development: true, log });
  const authorization = `Bearer ${await issuer.token()}`;
  /** @type {any} */
  const table = parse(readFileSync(new URL("../../../tests/paths.toml", import.meta.url), "utf8"));
  let many = 0;
  for (const { name, sent, mounted_at, left = sent, rewritten = false, method = "GET", code } of table.request) {
    const application = express();
    let handed;
    // Its mounts are of any case.
    application.use((mounted_at ?? "/").toLowerCase(), (request, response) => {
      handed = request.url;
      if (rewritten) request.url = left;
      verifier.middleware()(request, response, () => response.end("let in"));
    });
    const server = application.listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const socket = connect(server.address().port, "127.0.0.1");
      const head = `Host: x\r\nConnection: close\r\nAuthorization: ${authorization}\r\n\r\n`;
      socket.write(`${method} ${sent} HTTP/1.1\r\n${head}`);
      const answer = await text(socket);
      // Of some targets Node itself says that they are none.
      if (answer.startsWith("HTTP/1.1 400 ")) continue;
      if (!rewritten) assert.equal(handed, left, name);
      assert.equal(answer.endsWith("let in"), code === undefined, name);
      assert.equal(logged.pop(), code, name);
      many += 1;
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  assert.ok(many > 25, String(many));
});

test("the edge runtime", async () => {
  const runtime = await edgeRuntime(app, "server-edge.mjs");
  await assertServes(async (body) => {
    const answer = await runtime.dispatchFetch("http://edge.example/", { method: "POST", body });
    return answer.json();
  });
});
