// Builds dist/: one file for each entry, its types, and the module. The bindings in wasm/ must be there.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { COMMONJS, copyDeclarations, ESM } from "../declarations.mjs";
import { inline } from "../inline.mjs";
import { copyLicenses } from "../licenses.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const types = join(root, "node_modules/.cache/xacct-sign-server/types");
const wasm = join(root, "wasm/xacct_sign_bg.wasm");

if (!existsSync(wasm)) {
  console.error(
    "js/xacct-sign-server/wasm is empty: run `make npm` at the root, which builds the WebAssembly module first",
  );
  process.exit(1);
}

for (const folder of [dist, types]) rmSync(folder, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

async function bundle(entry, outfile, format = "esm") {
  await build({
    absWorkingDir: root,
    entryPoints: [`src/${entry}.ts`],
    outfile: join(dist, outfile),
    format,
    bundle: true,
    platform: "neutral",
    target: "es2022",
    external: ["*.wasm", "*.wasm?module"],
    plugins: [inline],
    minifySyntax: true,
    minifyWhitespace: true,
    // Node shows the line that threw.
    lineLimit: 120,
    legalComments: "none",
  });
}

await bundle("index", "index.js");
await bundle("index", "index.cjs", "cjs");
await bundle("index.workerd", "index.workerd.js");
await bundle("index.edge-light", "index.edge-light.js");
copyFileSync(wasm, join(dist, "xacct_sign_server.wasm"));
copyLicenses(root);

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--outDir", types], { cwd: root, stdio: "inherit" });
copyDeclarations(join(types, "xacct-sign-server"), dist, "src/index", [ESM, COMMONJS]);
