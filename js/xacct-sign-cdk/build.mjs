// Builds dist/: one CommonJS file with the module in it, and its types. The bindings in wasm/ must be there.

import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { copyDeclarations, ESM } from "../declarations.mjs";
import { inline } from "../inline.mjs";
import { copyLicenses } from "../licenses.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const types = join(root, "node_modules/.cache/xacct-sign-cdk/types");

if (!existsSync(join(root, "wasm/xacct_sign_bg.wasm"))) {
  console.error(
    "js/xacct-sign-cdk/wasm is empty: run `make npm` at the root, which builds the WebAssembly module first",
  );
  process.exit(1);
}

for (const folder of [dist, types]) rmSync(folder, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts"],
  outfile: join(dist, "index.js"),
  format: "cjs",
  bundle: true,
  platform: "node",
  target: "node20",
  external: ["aws-cdk-lib", "constructs"],
  plugins: [inline],
  legalComments: "none",
});

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--outDir", types], { cwd: root, stdio: "inherit" });
copyDeclarations(types, dist, "src/index", [ESM]);
copyLicenses(root);
