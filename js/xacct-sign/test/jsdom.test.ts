// The globals that jest's jsdom environment leaves a module: a realm of its own, without the host's encoders and `fetch`.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";
import { Signer } from "xacct-sign";

const require = createRequire(import.meta.url);
const code = readFileSync(require.resolve("xacct-sign"), "utf8");

/** The package as `require` gives it there. */
function required(globals: object): typeof import("xacct-sign") {
  const context = createContext({ Buffer, setTimeout, clearTimeout, ...globals });
  const module = { exports: {} };
  runInContext(`(function (module, exports, require) {${code}\n})`, context)(module, module.exports, require);
  return module.exports as typeof import("xacct-sign");
}

const options = { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }, region: "us-east-1" };
const url = "https://api.example.com/";
const put = { body: "ü", now: new Date(0) };

test("c9: under jest's jsdom the package is required, and signs", async () => {
  const jsdom = required({ process });
  expect(new jsdom.Signer(options).sign("PUT", url, put)).toEqual(new Signer(options).sign("PUT", url, put));
  await expect(jsdom.createFetch(options)(url)).rejects.toMatchObject({
    code: "invalid_option",
    message: "the environment has no `Headers`",
    hint: expect.stringContaining("@jest-environment node"),
  });
});

test("c9: where there is no encoder at all it says so when it is used", () => {
  const bare = required({});
  const sign = () => new bare.Signer(options).sign("PUT", url, put);
  expect(sign).toThrow(
    expect.objectContaining({ code: "wasm_unavailable", hint: expect.stringContaining("@jest-environment node") }),
  );
});
