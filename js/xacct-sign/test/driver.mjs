// Answers JSON requests, one a line: how the Rust tests drive this package. `trace` is in the build for tests only.

import { createInterface } from "node:readline";
import { canonicalUrl, Signer } from "xacct-sign";
import { trace } from "../node_modules/.cache/xacct-sign/testing.mjs";

const operations = {
  trace: ({ op, ...input }) => trace(input.input ?? input),
  canonicalUrl: ({ url }) => canonicalUrl(url),
  sign: ({ credentials, region, service, method, url, headers, body, now }) =>
    new Signer({ credentials, region, service }).sign(method, url, {
      headers,
      body,
      now: now === undefined ? undefined : new Date(now),
    }),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = { ok: operations[request.op](request) };
  } catch (error) {
    const { code, message, hint } = error;
    answer = { error: { code, message, hint, isError: error instanceof Error } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
