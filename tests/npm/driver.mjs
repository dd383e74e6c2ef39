// Answers JSON requests, one a line, with the npm package that is installed beside it: how the Rust tests drive it.

import { createInterface } from "node:readline";
import { assumeRole, canonicalUrl, createFetch, Signer, UNSIGNED_PAYLOAD, XacctSignError } from "xacct-sign";

/** The options of `sign`: bytes come in base64. */
function optionsOf({ headers, body, now }) {
  return { headers, body: body === null ? UNSIGNED_PAYLOAD : Buffer.from(body, "base64"), now: new Date(now) };
}

/** Credentials with their end as a number. */
function credentialsOf({ expiration, ...keys }) {
  return expiration === undefined || expiration === null ? keys : { ...keys, expiration: new Date(expiration) };
}

/** One `fetch`, called once and again after each pause, in seconds of its clock: the status of each answer. */
async function fetched({ url, baseUrl, method, headers, body, options, pauses }) {
  let passed = 0;
  const now = () => new Date(Date.now() + passed);
  const given = { ...options, baseUrl: baseUrl ?? undefined, now };
  for (const name of ["base", "credentials"]) if (given[name]) given[name] = credentialsOf(given[name]);
  const call = createFetch(given);
  const answers = [];
  for (const pause of [0, ...pauses]) {
    passed += pause * 1000;
    const answer = await call(url, { method, headers, body: body ?? undefined });
    await answer.arrayBuffer().catch((cause) => {
      // A body that breaks off is told as the runtime tells it, as of any fetch.
      if (!(cause instanceof TypeError)) throw cause;
      throw new XacctSignError("transport", cause.message, { cause });
    });
    answers.push({ status: answer.status });
  }
  return answers;
}

const operations = {
  canonicalUrl: ({ url }) => canonicalUrl(url),
  sign: (request) => new Signer(request.signer, request.settings).sign(request.method, request.url, optionsOf(request)),
  presign: (request) => {
    const options = { ...optionsOf(request), expiresIn: request.expiresIn };
    return new Signer(request.signer, request.settings).presign(request.method, request.url, options);
  },
  assumeRole: ({ options }) => {
    assumeRole(options);
    return null;
  },
  fetch: fetched,
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = { ok: await operations[request.op](request) };
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    const { code, message, hint } = error;
    answer = { error: { code, message, hint } };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
