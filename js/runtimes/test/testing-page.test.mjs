// docs/javascript-testing.md: each program as it stands, in a fresh project with the packed packages; and each test once more with
// another expectation, which has to fail.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { freshCaller, freshServer, run } from "../lib/run.mjs";

const PAGE = readFileSync(new URL("../../../docs/javascript-testing.md", import.meta.url), "utf8");
/** Each program with the heading that it stands under. */
const PROGRAMS = PAGE.split(/^## /m).flatMap((section) =>
  [...section.matchAll(/^```js\n\/\/ (\S+\.[cm]?js)\b.*\n([\s\S]*?)^```$/gm)].map(([, name = "", code = ""]) => ({
    heading: section.split("\n", 1)[0],
    name,
    code,
  })),
);
const EXPECTED = "status: 200";

/** @param {string} heading */
const under = (heading) => PROGRAMS.filter((program) => program.heading === heading);
const [ORDERS] = PROGRAMS;

let app;
before(async () => {
  app = await freshCaller("jest", "vitest", "@aws-sdk/client-sts");
  project("", [ORDERS, ...under("Without a runner's hooks, and with other signers"), ...under("The API behind it")]);
  project("vitest", [ORDERS, ...under("Vitest")]);
  project("jest", under("Jest"), "commonjs");
  project("node-test", [ORDERS, ...under("node:test")]);
});

/**
 * A folder with programs, and the manifest beside them.
 *
 * @param {string} folder
 * @param {{ name: string, code: string }[]} programs
 * @param {string} type
 */
function project(folder, programs, type = "module") {
  mkdirSync(join(app, folder), { recursive: true });
  if (folder !== "") writeFileSync(join(app, folder, "package.json"), JSON.stringify({ private: true, type }));
  copyFileSync(fileURLToPath(new URL("../../../demo/xacct.toml", import.meta.url)), join(app, folder, "xacct.toml"));
  for (const { name, code } of programs) writeFileSync(join(app, folder, name), code);
}

/**
 * Runs a program in the project, whether it succeeds or not. Machines are slow; but what waits for ever has failed.
 *
 * @param {string} folder
 * @param {string[]} options
 * @returns {Promise<{ code: number, stdout: string, stderr: string }>}
 */
function ended(folder, options) {
  const env = { PATH: process.env.PATH, HOME: app, AWS_PROFILE: "somebody" };
  return new Promise((fulfil) => {
    execFile(process.execPath, options, { cwd: join(app, folder), env, timeout: 120_000 }, (error, stdout, stderr) => {
      fulfil({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/** Gives the test in a folder, the only one that a runner may find there, another expectation for as long as something runs. */
async function expectingOther(folder, name, run) {
  const path = join(app, folder, name);
  const code = readFileSync(path, "utf8");
  assert.ok(code.includes(EXPECTED), path);
  writeFileSync(path, code.replace(EXPECTED, "status: 500"));
  const outcome = await run();
  writeFileSync(path, code);
  return outcome;
}

const bin = (path) => join(app, "node_modules", path);
const vitest = (folder = "vitest", ...more) =>
  ended(folder, [bin("vitest/vitest.mjs"), "run", "--reporter=json", ...more]);
const JEST = () => ["--experimental-vm-modules", bin("jest/bin/jest.js"), "--ci"];
const jest = (folder = "jest") => ended(folder, ["--no-warnings", ...JEST(), "--json"]);
const nodeTest = (folder = "node-test") => ended(folder, ["--test", "--test-reporter=tap"]);
/** What both of them report. */
const counted = ({ stdout }) => {
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(stdout);
  return { passed, failed };
};

test("the page has these programs", () => {
  const names = [
    "orders.mjs",
    "orders.test.mjs",
    "orders.js",
    "orders.test.js",
    "orders.test.mjs",
    "sdk.mjs",
    "upstream.mjs",
  ];
  assert.deepEqual(
    PROGRAMS.map(({ name }) => name),
    names,
  );
  assert.equal(PAGE.match(/^```js$/gm)?.length, names.length);
});

test("Vitest finds its test: what holds passes, and what does not fails", async () => {
  const good = await vitest();
  assert.deepEqual([good.code, counted(good)], [0, { passed: 2, failed: 0 }], good.stderr);
  const bad = await expectingOther("vitest", "orders.test.mjs", vitest);
  assert.deepEqual([bad.code, counted(bad)], [1, { passed: 1, failed: 1 }], bad.stderr);
});

/** The test of Vitest, for Jest's modules of ECMAScript. */
function jestOfModules() {
  const [{ code = "" } = {}] = under("Vitest");
  const ofJest = code.replace('from "vitest"', 'from "@jest/globals"').replace("emulator/vitest", "emulator/jest");
  project("jest-modules", [ORDERS, { name: "orders.test.js", code: ofJest }]);
  return "jest-modules";
}

for (const [name, folder, count] of /** @type {[string, () => string, number][]} */ ([
  ["CommonJS", () => "jest", 1],
  ["modules of ECMAScript", jestOfModules, 2],
])) {
  test(`Jest finds its test, ${name}: what holds passes, and what does not fails`, async () => {
    const where = folder();
    const good = await jest(where);
    assert.deepEqual([good.code, counted(good)], [0, { passed: count, failed: 0 }], good.stderr);
    const bad = await expectingOther(where, "orders.test.js", () => jest(where));
    assert.deepEqual([bad.code, counted(bad)], [1, { passed: count - 1, failed: 1 }], bad.stderr);
  });
}

test("node:test finds its test: what holds passes, and what does not fails", async () => {
  const good = await nodeTest();
  assert.equal(good.code, 0, good.stdout);
  assert.match(good.stdout, /^# pass 1$/m);
  const bad = await expectingOther("node-test", "orders.test.mjs", nodeTest);
  assert.equal(bad.code, 1, bad.stdout);
  assert.match(bad.stdout, /^# fail 1$/m);
});

test("runners show code and hint of what is wrong", async () => {
  const code = `
    import { useEmulator } from "xacct-sign-emulator/RUNNER";
    import { test } from "MODULE";
    const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });
    test("an unknown stage", () => emulator.url("none"));
  `;
  const told = "it has deve, prod, stag (unknown_stage: give the name of a table `[stages.NAME]` of the manifest)";
  for (const [runner, module, run] of /** @type {[string, string, (folder: string) => ReturnType<typeof ended>][]} */ ([
    ["vitest", "vitest", (folder) => ended(folder, [bin("vitest/vitest.mjs"), "run"])],
    ["jest", "@jest/globals", jest],
    ["node-test", "node:test", nodeTest],
  ])) {
    const folder = `wrong-${runner}`;
    project(folder, [{ name: "wrong.test.js", code: code.replace("RUNNER", runner).replace("MODULE", module) }]);
    const { code: exit, stdout, stderr } = await run(folder);
    assert.equal(exit, 1);
    assert.ok((stdout + stderr).includes(told), runner + stdout + stderr);
  }
});

/** @type {[string, string, (folder: string, exit?: number) => Promise<string>][]} */
const SHOWING = [
  ["vitest", "vitest", (folder, exit) => shownBy(ended(folder, [bin("vitest/vitest.mjs"), "run"]), exit)],
  ["jest", "@jest/globals", (folder, exit) => shownBy(ended(folder, JEST()), exit)],
  ["node-test", "node:test", (folder, exit) => shownBy(ended(folder, ["--test", "--test-reporter=spec"]), exit)],
];

/** What a runner, which has to fail unless it is said otherwise, shows of it. */
async function shownBy(outcome, exit = 1) {
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, exit, stdout + stderr);
  return stripVTControlCharacters(stdout + stderr);
}

/** What else happens where a test hangs: when, a hook, and a test before it. */
const BEFORE = [
  ["", "", ""],
  [" after one that skips itself", "", 'test("skips itself", (...[t]) => t?.skip());'],
  [
    // As Vitest has it before 3.1.
    " after one that skips itself, of which no hook is told",
    "",
    'test("skips itself", (...[t]) => { if (t?.task) t.task.onFinished = []; t?.skip(); });',
  ],
  [
    " after one that another hook stops",
    "let count = 0; beforeEach(() => { if (count++ === 0) throw new Error('mine'); });",
    'test("is stopped", () => {});',
  ],
  [
    " after one whose other hook throws behind it",
    "",
    "let count = 0; afterEach(() => { if (count++ === 0) throw new Error('mine'); }); test('is first', () => {});",
  ],
];

for (const [runner, module, show] of SHOWING) {
  // Jest tells hooks nothing of what failed.
  if (runner !== "jest") {
    test(`a test that fails, and whose other hook does, shows what was refused in it, by STS too, and why: ${runner}`, async () => {
      const code = `
        import { useEmulator } from "xacct-sign-emulator/${runner}";
        import { afterEach, test } from "${module}";
        const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });
        let count = 0;
        afterEach(() => { if (count++ === 1) throw new Error("mine, too"); });
        test("passes", () => fetch(emulator.url("prod") + "/passes"));
        test("fails", async () => {
          await fetch(emulator.url("stag") + "/nope");
          await fetch(emulator.stsUrl, { method: "POST" });
          throw new Error("my own");
        });
      `;
      project(`refused-${runner}`, [{ name: "refused.test.js", code }]);
      const shown = await show(`refused-${runner}`);
      assert.match(
        shown,
        /xacct-sign-emulator refused:\nsts POST \/ 40\d \w+: .+\nstag GET \/nope 403 signature_missing: /,
      );
      assert.doesNotMatch(shown, /prod GET/);
    });
  }

  for (const [when, hook, before] of BEFORE) {
    // Jest has no way to skip a test that runs.
    if (runner === "jest" && before.includes("skip()")) continue;
    test(`a test whose time is over within asCaller stops none of the next${when}: ${runner}`, async () => {
      const code = `
        import { useEmulator } from "xacct-sign-emulator/${runner}";
        import { afterEach, beforeEach, test } from "${module}";
        ${hook}
        const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });
        ${before}
        // Where a test may have tests within it, one of these runs meanwhile.
        const hangs = (...[t]) => emulator.asCaller("shop", "stag", async () => {
          await t?.test?.("within", () => {});
          await new Promise((done) => setTimeout(done, 60_000).unref?.());
        });
        ${runner === "node-test" ? 'test("hangs", { timeout: 500 }, hangs)' : 'test("hangs", hangs, 50)'};
        for (const name of ["next", "last"]) test(name, () => emulator.asCaller("shop", "prod", () => {
          if (process.env.XACCT_URL !== emulator.url("prod")) throw new Error("somebody else's environment");
          console.log(name + " was the caller");
        }));
      `;
      const folder = `hanging-${when.replaceAll(" ", "-")}-${runner}`;
      project(folder, [{ name: "hanging.test.js", code }]);
      const shown = await show(folder);
      for (const name of ["next", "last"]) assert.ok(shown.includes(`${name} was the caller`), shown);
      const told = "the `asCaller` of `shop` had not ended when its test was over";
      assert.equal(shown.split(told).length, 2, shown);
    });
  }

  test(`an asCaller that the last test does not await is told: ${runner}`, async () => {
    const code = `
      import { useEmulator } from "xacct-sign-emulator/${runner}";
      import { test } from "${module}";
      const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });
      test("is the last", () => void emulator.asCaller("shop", "stag", () => new Promise(() => {})));
    `;
    const folder = `unawaited-${runner}`;
    project(folder, [{ name: "unawaited.test.js", code }]);
    const shown = await show(folder, 0);
    assert.match(
      shown,
      /as_caller_overlaps.*the `asCaller` of `shop` had not ended when its emulator was closed.*: await it/,
    );
  });

  test(`where the emulator does not start no test passes, and it is said why: ${runner}`, async () => {
    const code = `
      import { describe, test } from "${module}";
      import { useEmulator } from "xacct-sign-emulator/${runner}";
      describe("one that does not start", () => {
        useEmulator({ manifest: new URL("./none.toml", import.meta.url) });
        test("is not run", () => console.log("it was run"));
      });
    `;
    project(`unstarted-${runner}`, [{ name: "unstarted.test.js", code }]);
    const shown = await show(`unstarted-${runner}`);
    assert.match(shown, /none\.toml.*manifest_unreadable/);
    assert.doesNotMatch(shown, /it was run$/m);
  });
}

/** @type {[string, string, (folder: string) => ReturnType<typeof ended>][]} */
const RUNNERS = [
  ["vitest", "vitest", vitest],
  ["jest", "@jest/globals", jest],
  ["node-test", "node:test", nodeTest],
];

for (const [runner, module, run] of RUNNERS) {
  test(`hooks stand around a describe alone: ${runner}`, async () => {
    const after = runner === "node-test" ? "after" : "afterAll";
    const use = `
        const emulator = useEmulator({ manifest: new URL("./xacct.toml", import.meta.url) });`;
    const used = `
        ${after}(() => assert.ok(emulator.stsUrl));`;
    const code = `
      import assert from "node:assert/strict";
      import { once } from "node:events";
      import { connect } from "node:net";
      import { ${after}, describe, test } from "${module}";
      import { useEmulator } from "xacct-sign-emulator/${runner}";
      let port;
      describe("inside", () => {${runner === "vitest" ? use + used : used + use}
        const { calls, url } = emulator;
        assert.throws(() => url("stag"), { code: "emulator_not_running" });
        for (const name of ["first", "second"]) test(name, async () => {
          ({ port } = new URL(url("stag")));
          assert.equal((await fetch(url("stag"))).status, 403);
          assert.equal(calls.length, 1);
        });
      });
      test("outside", async () => {
        await assert.rejects(once(connect(Number(port), "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
      });
    `;
    project(`inside-${runner}`, [{ name: "inside.test.js", code }]);
    const outcome = await run(`inside-${runner}`);
    assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    if (runner === "node-test") assert.match(outcome.stdout, /^# pass 3$/m);
    else assert.deepEqual(counted(outcome), { passed: 3, failed: 0 });
  });
}

/**
 * Files that end all the same, with how many of their tests pass and fail, and what is said.
 *
 * @type {[string, string, [number, number], string | undefined][]}
 */
const UNUSUAL = [
  ["has no test", "useEmulator(options);", [0, 0], undefined],
  [
    "calls it in a test",
    'test("passes", () => {}); test("calls it", () => useEmulator(options));',
    [1, 1],
    "`useEmulator` was called within `calls it`, which runs already (invalid_argument: call it at the top of the file",
  ],
  [
    "calls it in a test's test, later",
    'test("outer", (t) => t.test("inner", async () => { await new Promise(setImmediate); useEmulator(options); }));',
    [0, 2],
    "`useEmulator` was called within `inner`, which runs already (invalid_argument: ",
  ],
  [
    "calls it in a hook of a describe",
    'describe("group", () => { before(() => void useEmulator(options)); test("is not run", () => {}); });',
    [0, 1],
    "`useEmulator` was called within `group`, which runs already (invalid_argument: ",
  ],
  [
    "calls it in a hook",
    `const opened = [];
     const { listen } = Server.prototype;
     Server.prototype.listen = function (...given) {
       opened.push(this);
       return listen.apply(this, given);
     };
     let emulator; before(() => { emulator = useEmulator(options); });
     test("has none any more", () => {
       assert.throws(() => emulator.stsUrl, { code: "emulator_not_running" });
       assert.deepEqual(opened.map(({ listening }) => listening), [false, false, false, false]);
     });`,
    [1, 0],
    undefined,
  ],
];

for (const [index, [what, body, [pass, fail], told]] of UNUSUAL.entries()) {
  test(`a file of node:test that ${what} ends`, async () => {
    const code = `
      import assert from "node:assert/strict";
      import { Server } from "node:net";
      import { before, describe, test } from "node:test";
      import { useEmulator } from "xacct-sign-emulator/node-test";
      const options = { manifest: new URL("./xacct.toml", import.meta.url) };
      ${body}
    `;
    const folder = `unusual-${index}`;
    project(folder, [{ name: "unusual.test.js", code }]);
    // Without `--test`, which counts a file as a test.
    const { code: exit, stdout, stderr } = await ended(folder, ["--test-reporter=tap", "unusual.test.js"]);
    assert.equal(exit, fail > 0 ? 1 : 0, stdout + stderr);
    assert.match(stdout, new RegExp(`^# pass ${pass}$`, "m"));
    assert.match(stdout, new RegExp(`^# (?:fail|cancelled) ${fail}$`, "m"));
    if (told !== undefined) assert.ok(stdout.includes(told), stdout);
  });
}

test("with the permission to read files, and no other", async () => {
  const has = (flag) => process.allowedNodeEnvironmentFlags.has(flag);
  const permission = [has("--permission") ? "--permission" : "--experimental-permission", "--allow-fs-read=*"];
  if (has("--allow-net")) permission.push("--allow-net");
  const code = `
    const refused = ["fs.write", "child", "worker"].filter((name) => !process.permission.has(name));
    if (refused.length !== 3) throw new Error("may do more than read");
    await import("./orders.test.mjs");
  `;
  writeFileSync(join(app, "node-test/permitted.mjs"), code);
  const { code: exit, stdout, stderr } = await ended("node-test", [...permission, "permitted.mjs"]);
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
    const tests = Array.from({ length: files }, (_, file) => {
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
      return { name: `workers-${file}.test.mjs`, code };
    });
    project(`workers-${pool}`, [ORDERS, ...tests]);
    const outcome = await vitest(`workers-${pool}`, `--pool=${pool}`, `--maxWorkers=${files}`);
    meeting.close();
    assert.deepEqual(counted(outcome), { passed: 5 * files, failed: 0 }, outcome.stderr);
    const seen = [...waiting.values()];
    assert.equal(new Set(seen.map(({ url }) => url)).size, files);
    assert.equal(new Set(seen.map(({ accessKeyId }) => accessKeyId)).size, files);
  });
}

test("a server's own verifier takes the emulator's list of callers", async () => {
  const entry = (folder, file) => import(pathToFileURL(join(folder, "node_modules", file)).href);
  const { startEmulator } = await entry(app, "xacct-sign-emulator/dist/index.js");
  const { identityToken } = await entry(app, "xacct-sign/dist/identity.js");
  const { createVerifier } = await entry(await freshServer(), "xacct-sign-server/dist/index.js");
  const manifest = `
    [api]
    account = "111111111111"
    region = "ap-northeast-1"
    [identity]
    audience = "https://api.example.com"
    [stages.prod]
    target = "server"
    [callers.shop]
    account = "000000000000"
    roles = { prod = "Shop" }
    routes = ["GET /items/{id}"]
    issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws"
  `;
  const emulator = await startEmulator({ manifest });
  try {
    const verifier = createVerifier({ callers: emulator.callers("prod"), development: true, log: () => {} });
    const token = await emulator.asCaller("shop", "prod", () => {
      const { XACCT_AUDIENCE: audience, AWS_REGION: region } = process.env;
      return identityToken({ audience, region })();
    });
    assert.equal((await verifier.check(`Bearer ${token}`, "GET", "/items/1")).name, "shop");
    await assert.rejects(verifier.check(`Bearer ${token}`, "GET", "/admin"), { code: "route_refused" });
  } finally {
    await emulator.close();
  }
});

test("a function as upstream ends as it stands", async () => {
  const { code, stdout, stderr } = await ended("", ["upstream.mjs"]);
  assert.equal(code, 0, stdout + stderr);
});

test("the AWS SDK", async () => {
  assert.equal(await run(process.execPath, ["sdk.mjs"], app), "ASIA true\n");
});

test("a function as upstream", async () => {
  const page = readFileSync(join(app, "upstream.mjs"), "utf8");
  const here = "// What calls it stands here.\n";
  assert.ok(page.includes(here));
  const calling = `
    import { createFetch } from "xacct-sign";
    const answer = await emulator.asCaller("shop", "stag", async () => {
      const { XACCT_ROLE_ARN: roleArn, XACCT_URL: url } = process.env;
      return createFetch({ roleArn, region: "ap-northeast-1" })(url + "/hoge?a=b");
    });
    console.log(JSON.stringify({ status: answer.status, ...(await answer.json()) }));
  `;
  writeFileSync(join(app, "upstream-called.mjs"), page.replace(here, calling));
  const { status, path, caller } = JSON.parse(await run(process.execPath, ["upstream-called.mjs"], app));
  assert.deepEqual([status, path], [201, "/hoge"]);
  assert.match(caller, /^arn:aws:sts::111111111111:assumed-role\/ApiAllowByIamRoleStag\//);
});
