// Answers JSON requests, one a line, with the npm package that is installed beside it: how the Rust tests drive it.

import { createInterface } from "node:readline";
import { assumeRole, canonicalUrl, Signer, UNSIGNED_PAYLOAD, XacctSignError } from "xacct-sign";

/** The options of `sign` and `presign`: bytes come in base64. */
function optionsOf({ headers, body, now, expiresIn }) {
  return {
    headers,
    body: body === null ? UNSIGNED_PAYLOAD : Buffer.from(body, "base64"),
    now: new Date(now),
    expiresIn,
  };
}

const operations = {
  canonicalUrl: ({ url }) => canonicalUrl(url),
  sign: (request) => new Signer(request.signer, request.settings).sign(request.method, request.url, optionsOf(request)),
  presign: (request) => new Signer(request.signer, request.settings).presign(request.method, request.url, optionsOf(request)),
  assumeRole: ({ options }) => {
    assumeRole(options);
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = { ok: operations[request.op](request) };
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    const { code, message, hint } = error;
    answer = { error: { code, message, hint } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
