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
const cache = join(root, "node_modules/.cache/xacct-sign");
const types = join(cache, "types");
const wasm = join(root, "wasm/xacct_sign_bg.wasm");

if (!existsSync(wasm)) {
  console.error("js/xacct-sign/wasm is empty: run `make npm` at the root, which builds the WebAssembly module first");
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
rmSync(cache, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

async function bundle(entry, outfile, format = "esm") {
  await build({
    absWorkingDir: root,
    entryPoints: [`src/${entry}.ts`],
    outfile,
    format,
    bundle: true,
    platform: "neutral",
    target: "es2022",
    external: ["*.wasm", "*.wasm?module"],
    plugins: [inline],
    inject: ["src/host/text.ts"],
    minifySyntax: true,
    minifyWhitespace: true,
    // Node shows the line that threw.
    lineLimit: 120,
    legalComments: "none",
  });
}

await bundle("index", join(dist, "index.js"));
await bundle("index", join(dist, "index.cjs"), "cjs");
await bundle("slim", join(dist, "slim.js"));
await bundle("index.workerd", join(dist, "index.workerd.js"));
await bundle("index.edge-light", join(dist, "index.edge-light.js"));
copyFileSync(wasm, join(dist, "xacct_sign.wasm"));
await bundle("explain", join(dist, "explain.js"));
await bundle("explain", join(dist, "explain.cjs"), "cjs");
await bundle("explain.workerd", join(dist, "explain.workerd.js"));
await bundle("explain.edge-light", join(dist, "explain.edge-light.js"));
copyFileSync(join(root, "wasm/explain/xacct_sign_bg.wasm"), join(dist, "xacct_sign_explain.wasm"));
await bundle("identity", join(dist, "identity.js"));
await bundle("identity", join(dist, "identity.cjs"), "cjs");
await bundle("identity.workerd", join(dist, "identity.workerd.js"));
await bundle("identity.edge-light", join(dist, "identity.edge-light.js"));
copyFileSync(join(root, "wasm/identity/xacct_sign_bg.wasm"), join(dist, "xacct_sign_identity.wasm"));
copyLicenses(root);

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--outDir", types], { cwd: root, stdio: "inherit" });

copyDeclarations(types, dist, "src/slim", [ESM]);
copyDeclarations(types, dist, "src/index", [ESM, COMMONJS]);
copyDeclarations(types, dist, "src/explain", [ESM, COMMONJS]);
copyDeclarations(types, dist, "src/identity", [ESM, COMMONJS]);
