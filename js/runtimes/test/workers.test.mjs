// Runtimes that compile no WebAssembly from bytes: workerd (Cloudflare Workers) and the edge runtime (Vercel).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { freshApp } from "../lib/run.mjs";

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

/** A bundle under these conditions, and the files that it leaves to the platform. */
async function bundle(entry, format, conditions, plugins = []) {
  const { outputFiles } = await build({
    absWorkingDir: app,
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: app,
    platform: "neutral",
    target: "es2022",
    mainFields: ["module", "main"],
    format,
    conditions,
    plugins,
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
  });
  return outputFiles;
}

test("workerd, through miniflare", async () => {
  const files = await bundle("worker.mjs", "esm", ["workerd", "worker", "browser"]);
  const script = files.find(({ path }) => path.endsWith(".js"));
  const wasm = files.find(({ path }) => path.endsWith(".wasm"));
  assert.ok(script && wasm, "the entry for workerd imports the module");
  const worker = new Miniflare({
    modules: [
      { type: "ESModule", path: "worker.mjs", contents: script.text },
      { type: "CompiledWasm", path: "xacct_sign.wasm", contents: wasm.contents },
    ],
    compatibilityDate: "2026-01-01",
  });
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
  let seen = "";
  /** As the platform does it: an import of `FILE.wasm?module` is a compiled module, handed in from outside. */
  const compiled = {
    name: "compiled",
    setup(builder) {
      builder.onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => {
        seen = join(resolveDir, path.replace("?module", ""));
        return { path: seen, namespace: "compiled" };
      });
      builder.onLoad({ filter: /.*/, namespace: "compiled" }, () => ({ contents: "export default wasm_xacct_sign" }));
    },
  };
  const [script] = await bundle("edge.mjs", "iife", ["edge-light"], [compiled]);
  assert.ok(seen, "the entry for edge-light imports the module");
  const module = await WebAssembly.compile(readFileSync(seen));
  const runtime = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { wasm_xacct_sign: module }),
  });
  runtime.evaluate(script.text);
  const body = JSON.stringify(inputOf(emulator, "edge-light"));
  const answer = await runtime.dispatchFetch("http://edge.example/", { method: "POST", body });
  assertOutcome(await answer.json(), "edge-light");
});
