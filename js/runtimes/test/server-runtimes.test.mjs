// `xacct-sign-server` in every runtime, with tokens that jose made.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
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

test("the edge runtime", async () => {
  const runtime = await edgeRuntime(app, "server-edge.mjs");
  await assertServes(async (body) => {
    const answer = await runtime.dispatchFetch("http://edge.example/", { method: "POST", body });
    return answer.json();
  });
});
