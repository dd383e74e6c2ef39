// The packed packages as others judge them: publint, are-the-types-wrong, and TypeScript in the settings that users have.

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { freshApp, freshServer, fromEnvironment, run, tool } from "../lib/run.mjs";

/** The tarball of each package of the workspace, by its name. */
const TARBALLS = Object.fromEntries(
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).workspaces.map((name) => {
    const variable = `${name.toUpperCase().replaceAll("-", "_")}_TARBALL`;
    return [name, fromEnvironment(variable, `the packed ${name}`)];
  }),
);
const {
  "xacct-sign": tarball,
  "xacct-sign-cdk": cdkTarball,
  "xacct-sign-server": serverTarball,
  "xacct-sign-emulator": emulatorTarball,
} = TARBALLS;
const here = fileURLToPath(new URL("..", import.meta.url));

let app;
before(async () => {
  app = await freshApp();
  const quiet = ["--offline", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  await run("npm", ["install", ...quiet, serverTarball, emulatorTarball], app);
  symlinkSync(join(here, "node_modules/express"), join(app, "node_modules/express"));
  cpSync(join(here, "types"), join(app, "types"), { recursive: true });
  symlinkSync(join(here, "node_modules/@types"), join(app, "node_modules/@types"));
});

/** A program that prints what it finds and fails if that is something. */
async function clean(program, options) {
  await run(tool(program), options, here).catch((error) => {
    throw new Error(`${program}: ${error.stdout}${error.stderr}`);
  });
}

for (const [name, packed] of Object.entries(TARBALLS)) {
  test(`what a reader needs is in the packed ${name}`, async () => {
    const { name: own } = JSON.parse(await run("tar", ["-xOf", packed, "package/package.json"], here));
    assert.equal(own, name);
    const files = (await run("tar", ["-tf", packed], here)).split("\n");
    for (const file of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/index.js"]) {
      assert.ok(files.includes(`package/${file}`), file);
    }
  });

  test(`publint, ${name}`, () => clean("publint", ["--strict", packed]));
}

for (const [name, code, program] of [
  ["xacct-sign", "role_not_given", 'import { createFetch } from "xacct-sign"; createFetch({});'],
  [
    "xacct-sign/identity",
    "invalid_region",
    'import { identityToken } from "xacct-sign/identity"; identityToken({ audience: "x" });',
  ],
  [
    "xacct-sign-server",
    "callers_malformed",
    'import { createVerifier } from "xacct-sign-server"; createVerifier({ callers: "" });',
  ],
  [
    "xacct-sign-emulator",
    "manifest_unreadable",
    'import { startEmulator } from "xacct-sign-emulator"; await startEmulator({ manifest: "no" });',
  ],
]) {
  test(`an error of ${name} that nobody catches is read in a terminal`, async () => {
    const error = await run("node", ["--input-type=module", "--eval", program], app).then(
      assert.fail,
      (error) => error,
    );
    assert.ok(error.stderr.length < 4000, `${error.stderr.length} characters`);
    assert.match(error.stderr, /^XacctSignError: .*\n +at /m);
    assert.ok(error.stderr.includes(`code: '${code}'`), error.stderr);
  });
}

test("are-the-types-wrong", () => clean("attw", [tarball, "--entrypoints", "."]));
test("are-the-types-wrong, explain", () => clean("attw", [tarball, "--entrypoints", "explain", "--profile", "node16"]));
test("are-the-types-wrong, identity", () =>
  clean("attw", [tarball, "--entrypoints", "identity", "--profile", "node16"]));
test("are-the-types-wrong, slim", () => clean("attw", [tarball, "--entrypoints", "slim", "--profile", "esm-only"]));
test("are-the-types-wrong, the construct", () => clean("attw", [cdkTarball]));
test("are-the-types-wrong, for servers", () => clean("attw", [serverTarball]));

test("are-the-types-wrong, the emulator", () => clean("attw", [emulatorTarball, "--entrypoints", "."]));
test("are-the-types-wrong, the emulator's hooks", () =>
  clean("attw", [emulatorTarball, "--entrypoints", "jest", "node-test", "--profile", "node16"]));
test("are-the-types-wrong, the emulator's hooks for Vitest", () =>
  clean("attw", [emulatorTarball, "--entrypoints", "vitest", "--profile", "esm-only"]));

test("the emulator's module has its budget, and wants nothing of its host but what bindgen does", () => {
  const module = readFileSync(join(app, "node_modules/xacct-sign-emulator/dist/xacct_sign_emulator.wasm"));
  const { length } = gzipSync(module, { level: 9 });
  console.log(`${length} bytes gzipped`);
  assert.ok(length <= 580_000, `${length} bytes gzipped`);
  for (const { module: from, name } of WebAssembly.Module.imports(new WebAssembly.Module(module))) {
    assert.equal(from, "./xacct_sign_bg.js");
    assert.match(name, /^__wbindgen_|^__wbg___wbindgen_/);
  }
});

test("the emulator brings no package, no program and no script, and starts no process", () => {
  const folder = join(app, "node_modules/xacct-sign-emulator");
  const { dependencies, optionalDependencies, bin, gypfile, scripts, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  assert.deepEqual([dependencies, optionalDependencies, bin, gypfile], [undefined, undefined, undefined, undefined]);
  assert.deepEqual(peerDependenciesMeta, { vitest: { optional: true } });
  for (const name of Object.keys(scripts)) assert.doesNotMatch(name, /install|prepare/);
  const files = readdirSync(join(folder, "dist")).filter((name) => /\.c?js$/.test(name));
  assert.equal(files.length, 9);
  for (const name of files) {
    assert.doesNotMatch(
      readFileSync(join(folder, "dist", name), "utf8"),
      /child_process|worker_threads|\beval\(/,
      name,
    );
  }
});

test("the module for servers is small, and wants nothing of its host but what bindgen does", async () => {
  const folder = await freshServer();
  const module = readFileSync(join(folder, "node_modules/xacct-sign-server/dist/xacct_sign_server.wasm"));
  const { length } = gzipSync(module, { level: 9 });
  console.log(`${length} bytes gzipped`);
  assert.ok(length <= 95_000, `${length} bytes gzipped`);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module));
  for (const { module: from, name } of imports) {
    assert.equal(from, "./xacct_sign_bg.js");
    assert.match(name, /^__wbindgen_|^__wbg___wbindgen_/);
  }
});

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
/** What servers and tests write besides, by the names of the settings. */
const ofOthers = {
  "Node's types, ESM": ["server.ts", "server-fetch.ts", "server-express.ts", "emulator.ts", "emulator-hooks.ts"],
  "lib.dom, a bundler": ["server.ts", "server-fetch.ts", "emulator.ts", "emulator-hooks.ts"],
  "neither lib.dom nor Node's types": ["server.ts"],
  "CommonJS, the old resolution": ["server.ts", "server-fetch.ts", "emulator.ts"],
};
for (const { name, options, files } of settings) {
  test(`TypeScript: ${name}`, async () => {
    const config = {
      compilerOptions: { target: "es2022", strict: true, exactOptionalPropertyTypes: true, noEmit: true, ...options },
      files: [...files, ...ofOthers[name]].map((file) => `types/${file}`),
    };
    // `skipLibCheck` is off: our declarations are checked too.
    const file = `tsconfig.${name.replaceAll(/\W+/g, "-")}.json`;
    writeFileSync(join(app, file), JSON.stringify(config));
    await run(tool("tsc"), ["--project", join(app, file)], app).catch((error) => {
      throw new Error(error.stdout);
    });
  });
}
