// The packed packages as others judge them: publint, are-the-types-wrong, and TypeScript in the settings that users have.

import assert from "node:assert/strict";
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freshApp, fromEnvironment, run, tool } from "../lib/run.mjs";

const tarball = fromEnvironment("XACCT_SIGN_TARBALL", "the packed package");
const cdkTarball = fromEnvironment("XACCT_SIGN_CDK_TARBALL", "the packed construct");
const here = fileURLToPath(new URL("..", import.meta.url));

let app;
before(async () => {
  app = await freshApp();
  cpSync(join(here, "types"), join(app, "types"), { recursive: true });
  symlinkSync(join(here, "node_modules/@types"), join(app, "node_modules/@types"));
});

/** A program that prints what it finds and fails if that is something. */
async function clean(program, options) {
  await run(tool(program), options, here).catch((error) => {
    throw new Error(`${program}: ${error.stdout}${error.stderr}`);
  });
}

for (const packed of [tarball, cdkTarball]) {
  test(`what a reader needs is in ${basename(packed)}`, async () => {
    const files = (await run("tar", ["-tf", packed], here)).split("\n");
    for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/index.js"]) {
      assert.ok(files.includes(`package/${file}`), file);
    }
  });
}

test("publint", () => clean("publint", ["--strict", tarball]));
test("are-the-types-wrong", () => clean("attw", [tarball, "--entrypoints", "."]));
test("are-the-types-wrong, explain", () => clean("attw", [tarball, "--entrypoints", "explain", "--profile", "node16"]));
test("are-the-types-wrong, identity", () =>
  clean("attw", [tarball, "--entrypoints", "identity", "--profile", "node16"]));
test("are-the-types-wrong, slim", () => clean("attw", [tarball, "--entrypoints", "slim", "--profile", "esm-only"]));
test("publint, the construct", () => clean("publint", ["--strict", cdkTarball]));
test("are-the-types-wrong, the construct", () => clean("attw", [cdkTarball]));

const nodeNext = { module: "nodenext", moduleResolution: "nodenext" };
const bundler = { module: "esnext", moduleResolution: "bundler" };
const commonjs = { module: "commonjs", moduleResolution: "node10", esModuleInterop: true, ignoreDeprecations: "5.0" };
const dom = { lib: ["ES2022", "DOM", "DOM.Iterable"], types: [] };
/** @type {{ name: string, options: object, files: string[] }[]} */
const settings = [
  {
    name: "Node's types, ESM",
    options: { ...nodeNext, lib: ["ES2022"], types: ["node"] },
    files: ["use.ts", "fetch.ts", "slim.ts", "explain.ts", "identity.ts"],
  },
  {
    name: "lib.dom, a bundler",
    options: { ...bundler, ...dom },
    files: ["use.ts", "fetch.ts", "slim.ts", "explain.ts", "identity.ts"],
  },
  {
    name: "neither lib.dom nor Node's types",
    options: { ...nodeNext, lib: ["ES2022"], types: [] },
    files: ["use.ts", "slim.ts", "explain.ts", "identity.ts"],
  },
  { name: "CommonJS, the old resolution", options: { ...commonjs, ...dom }, files: ["use.ts", "fetch.ts"] },
];
for (const { name, options, files } of settings) {
  test(`TypeScript: ${name}`, async () => {
    const config = {
      compilerOptions: { target: "es2022", strict: true, exactOptionalPropertyTypes: true, noEmit: true, ...options },
      files: files.map((file) => `types/${file}`),
    };
    // `skipLibCheck` is off: our declarations are checked too.
    const file = `tsconfig.${name.replaceAll(/\W+/g, "-")}.json`;
    writeFileSync(join(app, file), JSON.stringify(config));
    await run(tool("tsc"), ["--project", join(app, file)], app).catch((error) => {
      throw new Error(error.stdout);
    });
  });
}
