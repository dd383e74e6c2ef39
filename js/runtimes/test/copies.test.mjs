// Two copies of the package in one program: one for its ESM, one for its CommonJS.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { freshApp } from "../lib/run.mjs";

/** @type {(typeof import("xacct-sign"))[]} */
let copies;
before(async () => {
  const app = await freshApp();
  const require = createRequire(join(app, "main.cjs"));
  copies = [await import(pathToFileURL(join(app, "package.mjs")).href), require("xacct-sign")];
});

const region = "us-east-1";
const url = "https://api.example.com/";

test("an error of either copy is one of both", () => {
  const [ours, theirs] = copies;
  assert.notEqual(ours.XacctSignError, theirs.XacctSignError);
  for (const { canonicalUrl } of copies) {
    for (const { XacctSignError } of copies) {
      assert.throws(
        () => canonicalUrl("/a"),
        (error) => error instanceof XacctSignError && error.code === "invalid_url",
      );
    }
  }
});

test("nothing else is one", () => {
  for (const { XacctSignError } of copies) {
    class Derived extends XacctSignError {}
    const derived = new Derived("invalid_url", "no");
    assert.ok(derived instanceof Derived && derived instanceof XacctSignError && derived instanceof Error);
    assert.ok(!(new XacctSignError("invalid_url", "no") instanceof Derived));
    for (const value of [new Error("no"), { code: "invalid_url" }, null, undefined, "invalid_url", XacctSignError]) {
      assert.ok(!(value instanceof XacctSignError), String(value));
    }
  }
});

test("what one copy's part throws comes through the other as it is", async () => {
  for (const [ours, theirs] of [copies, copies.toReversed()]) {
    const failure = new theirs.XacctSignError("transport", "no network", { retryable: true });
    const failing = () => Promise.reject(failure);
    const isFailure = (error) => error === failure;
    /** @type {any} */
    const throwing = {
      region,
      get credentials() {
        throw failure;
      },
    };
    const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
    const roleArn = "arn:aws:iam::111111111111:role/Api";
    await assert.rejects(ours.createFetch({ region, credentials: failing })(url), isFailure);
    await assert.rejects(ours.createFetch({ region, credentials, fetch: failing })(url), isFailure);
    await assert.rejects(ours.assumeRole({ region, roleArn, base: failing })(), isFailure);
    assert.throws(() => ours.createFetch(throwing), isFailure);
  }
});
