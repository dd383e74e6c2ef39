// docs/javascript-clients.md: each program as it stands, with the client that it is for, the packed package and the emulator.

import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { freshApp, run, tool } from "../lib/run.mjs";

const API = "https://server.stag.foo.example.com";
const PAGE = readFileSync(new URL("../../../docs/javascript-clients.md", import.meta.url), "utf8");
const PROGRAMS = new Map(
  [...PAGE.matchAll(/^## (\S+)\n[\s\S]*?^```js\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [name, code]),
);

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
  for (const name of ["axios", "got", "undici", "ky", "openapi-fetch", "msw", "jest", "vitest"]) {
    symlinkSync(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)), join(app, "node_modules", name));
  }
});
after(() => emulator?.stop());

/** Writes a program down, and gives its name. */
function written(name, ending) {
  const file = `${name}${ending}`;
  writeFileSync(join(app, file), PROGRAMS.get(name).replaceAll(API, emulator.url));
  return file;
}

test("the page has these programs", () => {
  const names = ["axios", "got", "undici", "ky", "openapi-fetch", "Jest", "Vitest", "msw"];
  assert.deepEqual([...PROGRAMS.keys()], names);
  assert.equal(PAGE.match(/^```js$/gm)?.length, names.length);
});

for (const name of ["axios", "got", "undici", "ky", "openapi-fetch", "msw"]) {
  test(name, async () => {
    const { base, stsEndpoint } = emulator;
    const printed = await run(process.execPath, [written(name, ".mjs")], app, {
      AWS_ACCESS_KEY_ID: base.accessKeyId,
      AWS_SECRET_ACCESS_KEY: base.secretAccessKey,
      AWS_SESSION_TOKEN: base.sessionToken,
      AWS_ENDPOINT_URL_STS: stsEndpoint,
    });
    assert.match(printed, /^200 \{/);
    // The emulator says what it was sent, and by whom.
    if (name === "msw") return;
    assert.match(printed, /path: '\/hoge'/);
    const isPut = PROGRAMS.get(name).includes("foo:");
    assert.match(printed, isPut ? /method: 'PUT'/ : /method: 'GET'/);
    if (isPut) assert.match(printed, /body: '\{"foo":"bar"\}'/);
  });
}

test("Jest", async () => {
  // Its report goes to stderr but for this.
  const options = [
    "--json",
    "--rootDir",
    app,
    "--runTestsByPath",
    written("Jest", ".test.cjs"),
    "--testMatch",
    "**/*.cjs",
  ];
  const { numPassedTests, numTotalTests } = JSON.parse(await run(tool("jest"), options, app));
  assert.deepEqual([numPassedTests, numTotalTests], [1, 1]);
});

test("Vitest", async () => {
  const options = ["run", "--reporter=json", "--root", app, written("Vitest", ".test.mjs")];
  const { numPassedTests, numTotalTests } = JSON.parse(await run(tool("vitest"), options, app));
  assert.deepEqual([numPassedTests, numTotalTests], [1, 1]);
});
