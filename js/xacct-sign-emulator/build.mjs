// Builds dist/: one file that does everything, a small one for each entry, their types, and the module. The bindings in wasm/ must be
// there.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { COMMONJS, copyDeclarations, ESM } from "../declarations.mjs";
import { copyLicenses } from "../licenses.mjs";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");
const types = join(root, "node_modules/.cache/xacct-sign-emulator/types");
const wasm = join(root, "wasm/xacct_sign_bg.wasm");

if (!existsSync(wasm)) {
  console.error(
    "js/xacct-sign-emulator/wasm is empty: run `make npm` at the root, which builds the WebAssembly module first",
  );
  process.exit(1);
}

for (const folder of [dist, types]) rmSync(folder, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

/** Entries take what they need from the file beside them, so that whoever has two has one emulator's code. */
const beside = (extension) => ({
  name: "beside",
  setup(builder) {
    builder.onResolve({ filter: /^\.\/core\.js$/ }, () => ({ path: `./core.${extension}`, external: true }));
  },
});

async function bundle(entry, format) {
  const extension = format === "esm" ? "js" : "cjs";
  const isCommonJs = format === "cjs";
  await build({
    absWorkingDir: root,
    entryPoints: [`src/${entry}.ts`],
    outfile: join(dist, `${entry}.${extension}`),
    format,
    bundle: true,
    platform: "node",
    target: "es2022",
    external: ["vitest", "@jest/globals"],
    plugins: [beside(extension)],
    // What says in CommonJS where a file is.
    define: isCommonJs ? { "import.meta.url": "here" } : {},
    banner:
      isCommonJs && entry === "core" ? { js: 'const here=require("node:url").pathToFileURL(__filename).href;' } : {},
    minifySyntax: true,
    minifyWhitespace: true,
    // Node shows the line that threw.
    lineLimit: 120,
    legalComments: "none",
  });
}

const entries = {
  core: ["esm", "cjs"],
  index: ["esm", "cjs"],
  jest: ["esm", "cjs"],
  "node-test": ["esm", "cjs"],
  vitest: ["esm"],
};
for (const [entry, formats] of Object.entries(entries)) for (const format of formats) await bundle(entry, format);
copyFileSync(wasm, join(dist, "xacct_sign_emulator.wasm"));
copyLicenses(root);

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--outDir", types], { cwd: root, stdio: "inherit" });
for (const entry of ["index", "jest", "node-test"]) copyDeclarations(types, dist, `src/${entry}`, [ESM, COMMONJS]);
copyDeclarations(types, dist, "src/vitest", [ESM]);
