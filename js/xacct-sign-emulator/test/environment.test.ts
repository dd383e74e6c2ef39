// The environment of whoever is a caller.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Emulator } from "xacct-sign-emulator";
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
  vi.restoreAllMocks();
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

test.each([
  [undefined, "undefined"],
  [null, "null"],
  [Promise.resolve(), "an object"],
])("what is no function is none to run: %s", async (run, kind) => {
  await expect(emulator.asCaller("shop", "stag", run as unknown as () => void)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(`^\`asCaller\` got ${kind} in place of a function \\(invalid_argument: give `),
  });
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

/** Something that goes on until it is told to end. */
function going(which: Emulator, stage: string) {
  let end = () => {};
  const told = new Promise<void>((fulfil) => {
    end = fulfil;
  });
  return { over: which.asCaller("shop", stage, () => told), end };
}

test("who comes meanwhile is told who is there, whichever emulator it is of", async () => {
  const other = await started({ manifest: DEMO });
  const first = going(emulator, "stag");
  for (const which of [emulator, other]) {
    await expect(which.asCaller("shop", "prod", () => {})).rejects.toMatchObject({
      code: "as_caller_overlaps",
      message: expect.stringMatching(/^another `asCaller`, that of `shop`, has begun, and has not ended \(/),
      hint: "await one before the next begins, or run each in a process of its own: there is one environment in a process",
    });
    expect(process.env.XACCT_URL).toBe(emulator.url("stag"));
  }
  first.end();
  await first.over;
  expect(await other.asCaller("shop", "prod", () => process.env.XACCT_URL)).toBe(other.url("prod"));
});

test("two within one are told, too", async () => {
  await emulator.asCaller("shop", "stag", async () => {
    const first = going(emulator, "deve");
    await expect(emulator.asCaller("shop", "prod", () => {})).rejects.toMatchObject({ code: "as_caller_overlaps" });
    first.end();
    await first.over;
    expect(process.env.XACCT_URL).toBe(emulator.url("stag"));
  });
});

test("one that ends before another within it is told, and the other puts back what was there", async () => {
  let inner = going(emulator, "stag");
  inner.end();
  await inner.over;
  const outer = emulator.asCaller("shop", "stag", () => {
    inner = going(emulator, "prod");
  });
  await expect(outer).rejects.toMatchObject({
    code: "as_caller_overlaps",
    message: expect.stringMatching(/^another `asCaller` began within that of `shop`, and has not ended \(/),
  });
  expect(process.env.XACCT_URL).toBe(emulator.url("prod"));
  inner.end();
  await inner.over;
  expect({ ...process.env }).toEqual(before);
});

test("one that throws while another within it is open throws its own", async () => {
  let inner = { over: Promise.resolve(), end: () => {} };
  const outer = emulator.asCaller("shop", "stag", () => {
    inner = going(emulator, "prod");
    throw new Error("mine");
  });
  await expect(outer).rejects.toThrow("mine");
  inner.end();
  await inner.over;
});

test("one that fails does not stop the next", async () => {
  await expect(emulator.asCaller("shop", "stag", () => Promise.reject(new Error("first")))).rejects.toThrow("first");
  expect(await emulator.asCaller("shop", "prod", () => process.env.XACCT_URL)).toBe(emulator.url("prod"));
});

test("one that hangs is over when its emulator is closed, and it is told", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockReturnValue();
  const hanging = going(emulator, "stag");
  await emulator.close();
  expect({ ...process.env }).toEqual(before);
  const told = "the `asCaller` of `shop` had not ended when its emulator was closed, and was ended there: await it";
  const warning = [told, { type: "XacctSignWarning", code: "as_caller_overlaps" }];
  expect(warned.mock.calls).toEqual([warning]);
  await emulator.close();
  expect(warned.mock.calls).toEqual([warning]);
  const other = await started({ manifest: DEMO });
  const next = await other.asCaller("shop", "prod", async () => {
    // It ends after all, and puts back nothing.
    hanging.end();
    await hanging.over;
    return process.env.XACCT_URL;
  });
  expect(next).toBe(other.url("prod"));
});

test("one that is closed within another leaves the other what it has, and the other puts back what was there", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockReturnValue();
  const other = await started({ manifest: DEMO });
  let inner = going(other, "prod");
  inner.end();
  await inner.over;
  const outer = emulator.asCaller("shop", "stag", async () => {
    inner = going(other, "prod");
    await emulator.close();
    expect(process.env.XACCT_URL).toBe(other.url("prod"));
    inner.end();
    await inner.over;
    expect({ ...process.env }).toEqual(before);
  });
  await outer;
  expect(warned).not.toHaveBeenCalled();
});

test("one that was begun within another, and comes when that is over, is as any", async () => {
  let late: Promise<unknown> | undefined;
  let go = () => {};
  const gone = new Promise<void>((fulfil) => {
    go = fulfil;
  });
  await emulator.asCaller("shop", "stag", () => {
    late = gone.then(() => emulator.asCaller("shop", "prod", () => process.env.XACCT_URL));
  });
  go();
  expect(await late).toBe(emulator.url("prod"));
});
