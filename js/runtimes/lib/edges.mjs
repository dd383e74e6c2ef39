// Runtimes that compile no WebAssembly from bytes: workerd (Cloudflare Workers) and the edge runtime (Vercel).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { EdgeVM } from "@edge-runtime/vm";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

/** A bundle under these conditions, and the files that it leaves to the platform. */
async function bundle(folder, entry, format, conditions, plugins = []) {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    outdir: folder,
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

/**
 * workerd, through miniflare, with the worker that is `entry` of `folder`, and behaves as on a day; whoever starts it has to `dispose()`
 * of it.
 */
export async function startWorkerd(folder, entry, compatibilityDate = "2026-01-01") {
  const files = await bundle(folder, entry, "esm", ["workerd", "worker", "browser"]);
  const script = files.find(({ path }) => path.endsWith(".js"));
  const wasm = files.find(({ path }) => path.endsWith(".wasm"));
  assert.ok(script && wasm, "the entry for workerd imports the module");
  return new Miniflare({
    modules: [
      { type: "ESModule", path: "worker.mjs", contents: script.text },
      { type: "CompiledWasm", path: basename(wasm.path), contents: wasm.contents },
    ],
    compatibilityDate,
  });
}

/** The edge runtime with the script that is `entry` of `folder`. It makes no code of text, and compiles no module. */
export async function edgeRuntime(folder, entry) {
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
  const [script] = await bundle(folder, entry, "iife", ["edge-light"], [compiled]);
  assert.ok(script && seen, "the entry for edge-light imports the module");
  const module = await WebAssembly.compile(readFileSync(seen));
  const runtime = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { wasm_xacct_sign: module }),
  });
  runtime.evaluate(script.text);
  return runtime;
}
