// Builds dist/: one CommonJS file with the module in it, and its types. The bindings in wasm/ must be there.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { inline } from "../inline.mjs";
import { copyLicenses } from "../licenses.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");

if (!existsSync(join(root, "wasm/xacct_sign_bg.wasm"))) {
  console.error(
    "js/xacct-sign-cdk/wasm is empty: run `make npm` at the root, which builds the WebAssembly module first",
  );
  process.exit(1);
}

rmSync(dist, { recursive: true, force: true });
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
execFileSync(process.execPath, [tsc, "--outDir", dist], { cwd: root, stdio: "inherit" });

/** The declarations that an entry needs. */
function neededBy(entry, needed = new Set()) {
  needed.add(`${entry}.d.ts`);
  for (const [, next] of readFileSync(join(dist, `${entry}.d.ts`), "utf8").matchAll(/from "\.\/([\w.-]+)\.js"/g)) {
    if (!needed.has(`${next}.d.ts`)) neededBy(next, needed);
  }
  return needed;
}
const needed = neededBy("index");
for (const file of readdirSync(dist)) {
  if (file.endsWith(".d.ts") && !needed.has(file)) rmSync(join(dist, file));
}
copyLicenses(root);
