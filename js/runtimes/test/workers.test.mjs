// Runtimes that compile no WebAssembly from bytes: workerd (Cloudflare Workers) and the edge runtime (Vercel).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { edgeRuntime, startWorkerd } from "../lib/edges.mjs";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { freshApp } from "../lib/run.mjs";

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

test("workerd, through miniflare", async () => {
  const worker = await startWorkerd(app, "worker.mjs");
  try {
    const body = JSON.stringify(inputOf(emulator, "workerd"));
    const answer = await worker.dispatchFetch("http://worker.example/", { method: "POST", body });
    assert.equal(answer.status, 200, await answer.clone().text());
    assertOutcome(await answer.json(), "workerd");
  } finally {
    await worker.dispose();
  }
});

test("the edge runtime", async () => {
  const runtime = await edgeRuntime(app, "edge.mjs");
  const body = JSON.stringify(inputOf(emulator, "edge-light"));
  const answer = await runtime.dispatchFetch("http://edge.example/", { method: "POST", body });
  assertOutcome(await answer.json(), "edge-light");
});
