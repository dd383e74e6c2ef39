// Calls with bodies or answers of 10 MB, and with one of 200 MB; prints how much memory the process had at its peak after each.

import { openAsBlob } from "node:fs";
import { createFetch } from "xacct-sign";

const [kind, url, file, options] = process.argv.slice(2);
const stranger = { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }, region: "us-east-1" };
const api = createFetch({ ...(options ? JSON.parse(options) : stranger), baseUrl: url });

/** What came, in bytes. */
async function called(size) {
  const body = kind === "upload" ? (await openAsBlob(file)).slice(0, size) : undefined;
  const answer = await api(`?size=${size}`, {
    method: body ? "PUT" : "GET",
    body,
    signal: AbortSignal.timeout(600_000),
  });
  let length = 0;
  const reader = answer.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) length += part.value.byteLength;
  return { status: answer.status, length, peak: process.resourceUsage().maxRSS * 1024 };
}

const small = [];
// Until V8 has taken what it lets pile up before it collects garbage, which is the same for every body of some size.
for (let count = 0; count < 10; count++) small.push(await called(10_000_000));
console.log(JSON.stringify({ before: small.at(-1), after: await called(200_000_000) }));
