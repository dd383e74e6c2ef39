// What bundlers make of the package, run in an empty folder with nothing beside it.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { emptyFolder, freshApp, outcomeOf } from "../lib/run.mjs";
import { byWebpack } from "../lib/webpack.mjs";

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

async function runs(folder, file, sessionName) {
  assert.deepEqual(readdirSync(folder), [file]);
  const input = JSON.stringify(inputOf(emulator, sessionName));
  assertOutcome(await outcomeOf(process.execPath, [file, input], folder), sessionName);
}

/** @type {{ entry: string, format: "esm" | "cjs", minify: boolean }[]} */
const combinations = [
  { entry: "main.mjs", format: "esm", minify: true },
  { entry: "main.mjs", format: "cjs", minify: false },
  { entry: "main.cjs", format: "cjs", minify: true },
];
for (const { entry, format, minify } of combinations) {
  test(`esbuild, as for Lambda: ${entry} to ${format}`, async () => {
    const folder = emptyFolder();
    const file = format === "esm" ? "bundle.mjs" : "bundle.cjs";
    await esbuild({
      absWorkingDir: app,
      entryPoints: [entry],
      outfile: join(folder, file),
      bundle: true,
      platform: "node",
      target: "node20",
      format,
      minify,
      logLevel: "silent",
    });
    await runs(folder, file, `esbuild-${format}`);
  });
}

test("webpack 5", async () => {
  const folder = emptyFolder();
  const output = { path: folder, filename: "bundle.cjs" };
  await byWebpack({ context: app, entry: "./main.mjs", target: "node20", output });
  await runs(folder, "bundle.cjs", "webpack");
});

test("Vite, for a server", async () => {
  const folder = emptyFolder();
  await vite({
    root: app,
    configFile: false,
    logLevel: "error",
    ssr: { noExternal: true },
    build: {
      ssr: "main.mjs",
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: "bundle.mjs" } },
    },
  });
  await runs(folder, "bundle.mjs", "vite");
});
