// The environment of whoever is a caller.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Emulator } from "xacct-sign-emulator";
import { withEnvironment } from "../src/environment.js";
import { DEMO, started } from "./world.js";

let emulator: Emulator;
let before: NodeJS.ProcessEnv;
beforeEach(async () => {
  emulator = await started({ manifest: DEMO });
  before = { ...process.env };
});
afterEach(() => {
  const after = { ...process.env };
  vi.unstubAllEnvs();
  expect(after).toEqual(before);
});

/** Sets variables for one test. */
function given(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  before = { ...process.env };
}

test("a caller has its credentials, and nobody else's", async () => {
  given({
    AWS_PROFILE: "prod",
    AWS_ACCESS_KEY_ID: "AKIAREAL",
    AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.2/v1",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token",
    AWS_USE_FIPS_ENDPOINT: "true",
    http_proxy: "http://proxy.example.com",
    NO_PROXY: "example.com",
  });
  const shown = await emulator.asCaller("shop", "stag", () => ({ ...process.env }));
  const { accessKeyId, secretAccessKey, sessionToken } = emulator.credentials("shop", "stag");
  expect(shown).toMatchObject({
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_REGION: "ap-northeast-1",
    AWS_DEFAULT_REGION: "ap-northeast-1",
    AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    AWS_EC2_METADATA_DISABLED: "true",
    XACCT_URL: emulator.url("stag"),
    XACCT_SERVICE: "execute-api",
    XACCT_ROLE_ARN: "arn:aws:iam::111111111111:role/ApiAllowByIamRoleStag",
    NO_PROXY: "example.com,127.0.0.1,localhost",
  });
  for (const name of [
    "AWS_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_USE_FIPS_ENDPOINT",
  ]) {
    expect(shown).not.toHaveProperty(name);
  }
});

test("what the function returns or throws comes out, and the environment is as it was", async () => {
  expect(await emulator.asCaller("shop", "stag", async () => 7)).toBe(7);
  const thrown = new Error("mine");
  const throwing = () => {
    throw thrown;
  };
  await expect(emulator.asCaller("shop", "stag", throwing)).rejects.toBe(thrown);
  await expect(emulator.asCaller("shop", "stag", () => Promise.reject(thrown))).rejects.toBe(thrown);
});

test("callers nest", async () => {
  const { XACCT_URL: url } = await emulator.asCaller("shop", "stag", async () => {
    const outer = { ...process.env };
    await emulator.asCaller("shop", "prod", () => expect(process.env.XACCT_URL).toBe(emulator.url("prod")));
    await expect(emulator.asCaller("nobody", "prod", () => {})).rejects.toThrow("nobody");
    expect({ ...process.env }).toEqual(outer);
    return outer;
  });
  expect(url).toBe(emulator.url("stag"));
});

test("who comes meanwhile waits, whichever emulator it is of", async () => {
  const other = await started({ manifest: DEMO });
  const seen: string[] = [];
  const act = (which: Emulator, stage: string) =>
    which.asCaller("shop", stage, async () => {
      const url = process.env.XACCT_URL;
      expect(url).toBe(which.url(stage));
      seen.push(stage);
      // Both of these within have to wait for each other, too.
      await Promise.all(
        ["deve", "prod"].map((inner) =>
          which.asCaller("shop", inner, async () => {
            await new Promise((fulfil) => setImmediate(fulfil));
            expect(process.env.XACCT_URL).toBe(which.url(inner));
          }),
        ),
      );
      expect(process.env.XACCT_URL).toBe(url);
    });
  await Promise.all([act(emulator, "stag"), act(other, "prod"), act(emulator, "deve")]);
  expect(seen).toEqual(["stag", "prod", "deve"]);
});

test("one that fails does not stop those who wait", async () => {
  const failing = emulator.asCaller("shop", "stag", () => Promise.reject(new Error("first")));
  const waiting = emulator.asCaller("shop", "prod", () => process.env.XACCT_URL);
  await expect(failing).rejects.toThrow("first");
  expect(await waiting).toBe(emulator.url("prod"));
});

test("one within that nobody waited for is over before the environment is put back", async () => {
  let inner: Promise<void> | undefined;
  await emulator.asCaller("shop", "stag", () => {
    inner = emulator.asCaller("shop", "prod", async () => {
      await new Promise((fulfil) => setImmediate(fulfil));
    });
  });
  expect({ ...process.env }).toEqual(before);
  await inner;
});

test("who was begun within and comes when that is over waits as everybody does", async () => {
  let late: Promise<unknown> | undefined;
  let go = () => {};
  const gone = new Promise<void>((fulfil) => {
    go = fulfil;
  });
  await withEnvironment(
    () => new Map([["XACCT_TEST", "outer"]]),
    () => {
      late = gone.then(() =>
        withEnvironment(
          () => new Map([["XACCT_TEST", "late"]]),
          () => process.env.XACCT_TEST,
        ),
      );
    },
  );
  const meanwhile = withEnvironment(
    () => new Map([["XACCT_TEST", "meanwhile"]]),
    async () => {
      go();
      await new Promise((fulfil) => setImmediate(fulfil));
      return process.env.XACCT_TEST;
    },
  );
  expect([await meanwhile, await late]).toEqual(["meanwhile", "late"]);
});
