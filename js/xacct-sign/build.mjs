// Builds dist/: one file for each entry, its types, and the module. The bindings in wasm/ must be there.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
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
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
  });
}

await bundle("index", join(dist, "index.js"));
await bundle("index", join(dist, "index.cjs"), "cjs");
await bundle("slim", join(dist, "slim.js"));
await bundle("index.workerd", join(dist, "index.workerd.js"));
await bundle("index.edge-light", join(dist, "index.edge-light.js"));
copyFileSync(wasm, join(dist, "xacct_sign.wasm"));
copyLicenses(root);

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--outDir", types], { cwd: root, stdio: "inherit" });

const RELATIVE = /from "(\.[^"]+)\.js"/g;
const ESM = { own: "d.ts", others: "js" };
const COMMONJS = { own: "d.cts", others: "cjs" };

/** Where in dist/ a declaration stands: in the folder of its source, and what is of wasm/ in a folder of its own. */
const placeOf = (file) => file.replace(/^src\//, "");

/** The declarations that a file needs, its own included. */
function copyTypes(file, forms, seen = new Set()) {
  if (seen.has(file)) return;
  seen.add(file);
  const place = placeOf(file);
  const text = readFileSync(join(types, `${file}.d.ts`), "utf8");
  const needed = (specifier) => posix.join(posix.dirname(file), specifier);
  const pathTo = (specifier) => {
    const path = posix.relative(posix.dirname(place), placeOf(needed(specifier)));
    return path.startsWith(".") ? path : `./${path}`;
  };
  mkdirSync(join(dist, dirname(place)), { recursive: true });
  for (const { own, others } of forms) {
    const placed = text.replaceAll(RELATIVE, (_, specifier) => `from "${pathTo(specifier)}.${others}"`);
    writeFileSync(join(dist, `${place}.${own}`), placed);
  }
  for (const [, specifier] of text.matchAll(RELATIVE)) copyTypes(needed(specifier), forms, seen);
}
copyTypes("src/slim", [ESM]);
copyTypes("src/index", [ESM, COMMONJS]);
