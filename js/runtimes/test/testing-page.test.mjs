// docs/javascript-testing.md: each program as it stands, in a fresh project with the packed packages; and each test once more with
// another expectation, which has to fail.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freshCaller, run } from "../lib/run.mjs";

const PAGE = readFileSync(new URL("../../../docs/javascript-testing.md", import.meta.url), "utf8");
const PROGRAMS = new Map(
  [...PAGE.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```$/gm)].map(([, name, code]) => [name, code]),
);
const EXPECTED = "status: 200";

let app;
before(async () => {
  app = await freshCaller("jest", "vitest", "@aws-sdk/client-sts");
  copyFileSync(fileURLToPath(new URL("../../../demo/xacct.toml", import.meta.url)), join(app, "xacct.toml"));
  for (const [name, code] of PROGRAMS) writeFileSync(join(app, name), code);
  writeFileSync(join(app, "orders.cjs"), commonJs(PROGRAMS.get("orders.mjs")));
});

/** A program in CommonJS. */
function commonJs(code) {
  const required = code.replace(/^import (\{.*\}) from (".*");$/m, "const $1 = require($2);");
  return required.replace("export async function putOrder", "exports.putOrder = async function putOrder");
}

/**
 * Runs a program in the project, whether it succeeds or not.
 *
 * @param {string[]} options
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
function ended(options) {
  const env = { PATH: process.env.PATH, HOME: app, AWS_PROFILE: "somebody" };
  return new Promise((fulfil) => {
    execFile(process.execPath, options, { cwd: app, env }, (error, stdout, stderr) => {
      fulfil({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

/** Writes a test with another expectation, and gives its name. */
function failing(name) {
  const code = readFileSync(join(app, name), "utf8");
  assert.ok(code.includes(EXPECTED), name);
  const other = `failing.${name}`;
  writeFileSync(join(app, other), code.replace(EXPECTED, "status: 500"));
  return other;
}

const bin = (path) => join(app, "node_modules", path);
const vitest = (file, ...more) => {
  const matched = ["--dir", app, "--root", app, "--reporter=json", ...more];
  return ended([bin("vitest/vitest.mjs"), "run", ...matched, file]);
};
const jest = (file) => {
  const matched = ["--rootDir", app, "--testMatch", "**/*.jest.?js", "--runTestsByPath", file];
  return ended(["--experimental-vm-modules", "--no-warnings", bin("jest/bin/jest.js"), "--json", ...matched]);
};
/** What both of them report. */
const counted = ({ stdout }) => {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(stdout);
  return { passed, failed };
};

test("the page has these programs", () => {
  const names = ["orders.mjs", "orders.vitest.mjs", "orders.jest.cjs", "orders.test.mjs", "sdk.mjs", "upstream.mjs"];
  assert.deepEqual([...PROGRAMS.keys()], names);
  assert.equal(PAGE.match(/^```js$/gm)?.length, names.length);
});

test("Vitest: what holds passes, and what does not fails", async () => {
  writeFileSync(join(app, "vitest.config.mjs"), 'export default { test: { include: ["**/*.vitest.mjs"] } };\n');
  const good = await vitest("./orders.vitest.mjs", "--config", "vitest.config.mjs");
  assert.deepEqual([good.code, counted(good)], [0, { passed: 2, failed: 0 }], good.stderr);
  const bad = await vitest(`./${failing("orders.vitest.mjs")}`, "--config", "vitest.config.mjs");
  assert.deepEqual([bad.code, counted(bad)], [1, { passed: 1, failed: 1 }], bad.stderr);
});

/** The test of Vitest, for Jest's modules of ECMAScript. */
function ofJest() {
  const code = PROGRAMS.get("orders.vitest.mjs").replace('from "vitest"', 'from "@jest/globals"');
  writeFileSync(join(app, "orders.jest.mjs"), code.replace("xacct-sign-emulator/vitest", "xacct-sign-emulator/jest"));
  return "orders.jest.mjs";
}

for (const [name, file, count] of /** @type {[string, () => string, number][]} */ ([
  ["CommonJS", () => "orders.jest.cjs", 1],
  ["modules of ECMAScript", ofJest, 2],
])) {
  test(`Jest, ${name}: what holds passes, and what does not fails`, async () => {
    const good = await jest(file());
    assert.deepEqual([good.code, counted(good)], [0, { passed: count, failed: 0 }], good.stderr);
    const bad = await jest(failing(file()));
    assert.deepEqual([bad.code, counted(bad)], [1, { passed: count - 1, failed: 1 }], bad.stderr);
  });
}

test("node:test: what holds passes, and what does not fails", async () => {
  const good = await ended(["--test", "--test-reporter=tap", "orders.test.mjs"]);
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /^# pass 1$/m);
  const bad = await ended(["--test", "--test-reporter=tap", failing("orders.test.mjs")]);
  assert.equal(bad.code, 1, bad.stdout);
  assert.match(bad.stdout, /^# fail 1$/m);
});

test("hooks stand around a describe alone", async () => {
  const code = `
    import assert from "node:assert/strict";
    import { after, describe, test } from "node:test";
    import { useEmulator } from "xacct-sign-emulator/node-test";
    const manifest = new URL("./xacct.toml", import.meta.url);
    let origin;
    describe("inside", () => {
      const emulator = useEmulator({ manifest });
      const { calls, url } = emulator;
      assert.throws(() => url("stag"), { code: "emulator_not_running" });
      for (const name of ["first", "second"]) test(name, async () => {
        origin = url("stag");
        assert.equal((await fetch(origin)).status, 403);
        assert.equal(calls.length, 1);
      });
      after(() => assert.ok(emulator.stsUrl));
    });
    test("outside", async () => {
      await assert.rejects(fetch(origin));
    });
    describe("one that does not start", () => {
      useEmulator({ manifest: new URL("./none.toml", import.meta.url) });
      test("fails", () => {});
    });
  `;
  writeFileSync(join(app, "inside.test.mjs"), code);
  const { stdout } = await ended(["--test", "--test-reporter=tap", "inside.test.mjs"]);
  assert.match(stdout, /manifest_unreadable/);
  assert.match(stdout, /none\.toml/);
  assert.match(stdout, /^ {4}ok 1 - first$/m);
  assert.match(stdout, /^ {4}ok 2 - second$/m);
  assert.match(stdout, /^ok 2 - outside$/m);
  assert.match(stdout, /^ {4}not ok 1 - fails$/m);
});

test("with the permission to read files, and no other", async () => {
  const has = (flag) => process.allowedNodeEnvironmentFlags.has(flag);
  const permission = [has("--permission") ? "--permission" : "--experimental-permission", "--allow-fs-read=*"];
  if (has("--allow-net")) permission.push("--allow-net");
  const code = `
    const refused = ["fs.write", "child", "worker"].filter((name) => !process.permission.has(name));
    if (refused.length !== 3) throw new Error("may do more than read");
    await import("./orders.test.mjs");
  `;
  writeFileSync(join(app, "permitted.mjs"), code);
  const { code: exit, stdout, stderr } = await ended([...permission, "permitted.mjs"]);
  assert.equal(exit, 0, stdout + stderr);
  assert.match(stdout, /pass 1$/m);
});

for (const pool of ["forks", "threads"]) {
  test(`Vitest's workers do not meet: ${pool}`, async () => {
    const files = 4;
    /** @type {Map<import("node:http").ServerResponse, any>} */
    const waiting = new Map();
    // Nobody goes on before all are there.
    const meeting = createServer((request, response) => {
      waiting.set(response, JSON.parse(decodeURIComponent(request.url?.slice(2) ?? "")));
      if (waiting.size === files) for (const answer of waiting.keys()) answer.end();
    });
    meeting.listen(0, "127.0.0.1");
    await once(meeting, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (meeting.address());
    for (let file = 0; file < files; file += 1) {
      const code = `
        import { beforeAll, expect, test } from "vitest";
        import { useEmulator } from "xacct-sign-emulator/vitest";
        import { putOrder } from "./orders.mjs";
        const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });
        beforeAll(async () => {
          const { accessKeyId } = emulator.credentials("shop", "stag");
          const mine = { url: emulator.url("stag"), accessKeyId };
          await fetch("http://127.0.0.1:${port}/?" + encodeURIComponent(JSON.stringify(mine)));
        });
        for (let count = 0; count < 5; count += 1) test("call " + count, async () => {
          for (let each = 0; each < count; each += 1) {
            await emulator.asCaller("shop", "stag", () => {
              expect(process.env.XACCT_URL).toBe(emulator.url("stag"));
              return putOrder({ file: ${file} });
            });
          }
          expect(emulator.calls.length).toBe(count);
        });
      `;
      writeFileSync(join(app, `workers-${file}.vitest.mjs`), code);
    }
    writeFileSync(join(app, "vitest.config.mjs"), 'export default { test: { include: ["**/*.vitest.mjs"] } };\n');
    const more = ["--config", "vitest.config.mjs", `--pool=${pool}`, `--maxWorkers=${files}`];
    const outcome = await vitest("workers-", ...more);
    meeting.close();
    assert.deepEqual(counted(outcome), { passed: 5 * files, failed: 0 }, outcome.stderr);
    const seen = [...waiting.values()];
    assert.equal(new Set(seen.map(({ url }) => url)).size, files);
    assert.equal(new Set(seen.map(({ accessKeyId }) => accessKeyId)).size, files);
  });
}

test("the AWS SDK", async () => {
  assert.equal(await run(process.execPath, ["sdk.mjs"], app), "ASIA true\n");
});

test("a function as upstream", async () => {
  const code = `${PROGRAMS.get("upstream.mjs")}
    import { createFetch } from "xacct-sign";
    const answer = await emulator.asCaller("shop", "stag", async () => {
      const { XACCT_ROLE_ARN: roleArn, XACCT_URL: url } = process.env;
      return createFetch({ roleArn, region: "ap-northeast-1" })(url + "/hoge?a=b");
    });
    console.log(JSON.stringify({ status: answer.status, ...(await answer.json()) }));
    await emulator.close();
  `;
  writeFileSync(join(app, "upstream-called.mjs"), code);
  const { status, path, caller } = JSON.parse(await run(process.execPath, ["upstream-called.mjs"], app));
  assert.deepEqual([status, path], [201, "/hoge"]);
  assert.match(caller, /^arn:aws:sts::111111111111:assumed-role\/ApiAllowByIamRoleStag\//);
});
