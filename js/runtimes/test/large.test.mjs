// 200 MB up and 200 MB down, in a process of its own, whose memory grows by no more than a tenth of that.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { before, test } from "node:test";
import { startFronts } from "../lib/emulator.mjs";
import { emptyFolder, freshApp, outcomeOf } from "../lib/run.mjs";

const LARGE = 200_000_000;
const MOST = 20_000_000;

let app;
before(async () => {
  app = await freshApp();
});

/** An answer as long as it is asked for, or how much was sent. */
async function* answerTo(request, body) {
  if (request.method === "PUT") {
    yield String(body.length);
    return;
  }
  const part = Buffer.alloc(50_000);
  for (let left = Number(new URL(request.url, "http://x").searchParams.get("size")); left > 0; left -= part.length)
    yield part;
}

/** The emulator before an upstream, as a function URL that is called directly: its URL, and what a caller of it signs with. */
async function functionUrl(test, upstream) {
  const { region, stages, own, stop } = await startFronts("--upstream", upstream);
  test.after(stop);
  const { url, service } = stages.urld;
  return [url, JSON.stringify({ credentials: own, region, service })];
}

async function outcome(test, kind, through = async (_, url) => [url, ""]) {
  const seen = [];
  const server = createServer(async (request, response) => {
    const [hash, body] = [createHash("sha256"), { length: 0 }];
    for await (const part of request) {
      hash.update(part);
      body.length += part.length;
    }
    seen.push({ ...body, declared: request.headers["content-length"], sha256: hash.digest("hex") });
    for await (const part of answerTo(request, body)) if (!response.write(part)) await once(response, "drain");
    response.end();
  });
  test.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const file = join(emptyFolder(), "large");
  const handle = openSync(file, "w");
  ftruncateSync(handle, LARGE);
  closeSync(handle);
  const [url, options] = await through(test, `http://127.0.0.1:${port}`);
  const { before, after } = await outcomeOf(process.execPath, ["large.mjs", kind, url, file, options], app);
  const grown = after.peak - before.peak;
  test.diagnostic(`${kind}: ${(grown / 1e6).toFixed(1)} MB over ${(before.peak / 1e6).toFixed(1)} MB`);
  assert.deepEqual([before.status, after.status], [200, 200]);
  assert.ok(grown <= MOST, `${grown} bytes more`);
  return { after, last: seen.at(-1) };
}

test("an answer of 200 MB takes no 20 MB more", async (test) => {
  const { after } = await outcome(test, "answer");
  assert.equal(after.length, LARGE);
});

test("an upload of 200 MB from a file takes no 20 MB more", async (test) => {
  const { last } = await outcome(test, "upload");
  assert.deepEqual([last.length, last.declared], [LARGE, String(LARGE)]);
});

test("an answer of 200 MB through a function URL takes no 20 MB more", async (test) => {
  const { after } = await outcome(test, "answer", functionUrl);
  assert.equal(after.length, LARGE);
});
