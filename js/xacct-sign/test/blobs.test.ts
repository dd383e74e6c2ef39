// Blobs that are too large to be kept in memory: read to be hashed, and again to be sent.

import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, openAsBlob, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createFetch } from "xacct-sign";
import { serve } from "./server.js";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
const LARGE = "ab".repeat(1 << 20);
const sha256 = createHash("sha256").update(LARGE).digest("hex");

let folder: string | undefined;
afterEach(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
  folder = undefined;
});

/** A file as a blob. Of it Node 20 says that it is experimental, once. */
async function file(): Promise<[Blob, string]> {
  vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  folder = mkdtempSync(join(tmpdir(), "xacct-sign-"));
  const path = join(folder, "large");
  writeFileSync(path, LARGE);
  return [(await openAsBlob(path, { type: "text/x-large" })) as Blob, path];
}

test("a file is hashed and sent with its length and type, and is not read as a whole", async () => {
  const server = await serve(({ response }) => response.end());
  const [blob] = await file();
  const whole = vi.spyOn(Blob.prototype, "arrayBuffer");
  const call = createFetch({ credentials, region, service: "s3" });
  expect((await call(server.url, { method: "PUT", body: blob })).status).toBe(200);
  expect(whole).not.toHaveBeenCalled();
  const [{ body, headers }] = server.seen as [(typeof server.seen)[0]];
  expect(body === LARGE).toBe(true);
  expect(headers).toMatchObject({
    "content-length": String(LARGE.length),
    "content-type": "text/x-large",
    "x-amz-content-sha256": sha256,
  });
  expect(headers.authorization).toContain("content-type");
});

test("a blob is sent again where bytes would be: after a redirect, a refusal and a reset", async () => {
  const blob = new Blob([LARGE], { type: "text/plain" });
  const redirect = await serve(({ index, response }) =>
    response.writeHead(index === 0 ? 307 : 200, { location: "/next" }).end(),
  );
  const refusal = await serve(({ index, response }) => {
    response.setHeader("date", new Date(Date.now() + 3600_000).toUTCString());
    response.writeHead(index === 0 ? 403 : 200).end();
  });
  const reset = await serve(({ index, request, response }) =>
    index === 0 ? request.socket.resetAndDestroy() : response.end(),
  );
  for (const { url, seen } of [redirect, refusal, reset]) {
    const call = createFetch({ credentials, region, service: "s3" });
    const headers = { "content-type": "text/mine" };
    expect((await call(url, { method: "PUT", headers, body: blob })).status).toBe(200);
    expect(
      seen.map(({ body, headers }) => [body === LARGE, headers["content-type"], headers["x-amz-content-sha256"]]),
    ).toEqual(Array(2).fill([true, "text/mine", sha256]));
  }
});

test("a redirect that takes the body away takes its hash", async () => {
  const server = await serve(({ index, response }) =>
    response.writeHead(index === 0 ? 303 : 200, { location: "/next" }).end(),
  );
  const call = createFetch({ credentials, region, service: "s3" });
  await call(server.url, { method: "POST", body: new Blob([LARGE], { type: "text/plain" }) });
  const { method, body, headers } = server.seen[1] as (typeof server.seen)[0];
  const empty = createHash("sha256").digest("hex");
  expect([method, body, headers["content-type"], headers["x-amz-content-sha256"]]).toEqual([
    "GET",
    "",
    undefined,
    empty,
  ]);
});

test("unsignedPayload sends a blob without a hash", async () => {
  const server = await serve(({ response }) => response.end());
  const call = createFetch({ credentials, region, service: "s3", unsignedPayload: true });
  await call(server.url, { method: "PUT", body: new Blob([LARGE]) });
  const { body, headers } = server.seen[0] as (typeof server.seen)[0];
  expect([body === LARGE, headers["x-amz-content-sha256"]]).toEqual([true, "UNSIGNED-PAYLOAD"]);
});

test("a file that changes before it is read is refused, and nothing is sent", async () => {
  const server = await serve(({ response }) => response.end());
  const [blob, path] = await file();
  appendFileSync(path, "more");
  const call = createFetch({ credentials, region });
  await expect(call(server.url, { method: "PUT", body: blob })).rejects.toMatchObject({
    code: "invalid_body",
    hint: expect.stringContaining("must not change"),
  });
  expect(server.seen.length).toBe(0);
});

test("a GET has no blob, and an abort ends the hashing", async () => {
  const call = createFetch({ credentials, region });
  const body = new Blob([LARGE]);
  await expect(call("https://api.example.com/", { body })).rejects.toMatchObject({ code: "invalid_body" });
  const reason = new Error("enough");
  const controller = new AbortController();
  const put = call("https://api.example.com/", { method: "PUT", body, signal: controller.signal });
  controller.abort(reason);
  await expect(put).rejects.toBe(reason);
});
