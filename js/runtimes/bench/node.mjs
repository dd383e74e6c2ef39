// The Node rows of `make bench`, as JSON: name → seconds.
//
// One PUT with a JSON body of 14 bytes and a session token of 320 characters, from the same parts for each. Contenders
// take turns in batches, short ones so that most go through undisturbed, after a warm-up of each; the median batch counts.
// Then the checks of who calls, and new processes, taking turns too; and pages in Chromium.

import { execFileSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";
import { AwsV4Signer } from "aws4fetch";
import { NodeSha256 } from "../lib/peers.mjs";
import { freshApp } from "../lib/run.mjs";
import { identity } from "./identity.mjs";
import { map } from "./map.mjs";
import { inTurns, medians } from "./turns.mjs";

const HOST = "server.stag.foo.example.com";
const URL = `https://${HOST}/hoge`;
const BODY = '{"foo": "bar"}';
const TYPE = "application/json";
const REGION = "ap-northeast-1";
const SERVICE = "execute-api";
const CREDENTIALS = {
  accessKeyId: "ASIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "IQoJb3JpZ2luX2VjE".repeat(19).slice(0, 320),
};

const app = await freshApp();
const xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
console.log(JSON.stringify({ ...(await signing()), ...(await identity()), ...starting(), ...(await map()) }));

/** Seconds a signature. */
function signing() {
  const ours = new xacct.Signer({ credentials: CREDENTIALS, region: REGION });
  const smithy = new SignatureV4({ credentials: CREDENTIALS, region: REGION, service: SERVICE, sha256: NodeSha256 });
  const cache = new Map();
  const { canonicalRequest, stringToSign } = stages();
  const key = Buffer.alloc(32, 7);
  return inTurns(
    {
      ours: () => ours.sign("PUT", URL, { headers: { "content-type": TYPE }, body: BODY }),
      aws4: () => {
        const headers = { "content-type": TYPE };
        return aws4.sign(
          { method: "PUT", host: HOST, path: "/hoge", headers, body: BODY, region: REGION, service: SERVICE },
          CREDENTIALS,
        );
      },
      // Its lower half, which makes no `Request`.
      aws4fetch: () => {
        const headers = { "content-type": TYPE };
        return new AwsV4Signer({
          ...CREDENTIALS,
          method: "PUT",
          url: URL,
          headers,
          body: BODY,
          region: REGION,
          service: SERVICE,
          cache,
        }).sign();
      },
      smithy: () => {
        const headers = { host: HOST, "content-type": TYPE };
        return smithy.sign(new HttpRequest({ method: "PUT", hostname: HOST, path: "/hoge", headers, body: BODY }));
      },
      hashing: () => {
        createHash("sha256").update(BODY).digest("hex");
        createHash("sha256").update(canonicalRequest).digest("hex");
        return createHmac("sha256", key).update(stringToSign).digest("hex");
      },
    },
    { seconds: 0.002, rounds: 600 },
  );
}

/** What is hashed for this request. */
function stages() {
  const signer = new aws4.RequestSigner(
    {
      method: "PUT",
      host: HOST,
      path: "/hoge",
      headers: { "content-type": TYPE },
      body: BODY,
      region: REGION,
      service: SERVICE,
    },
    CREDENTIALS,
  );
  return { canonicalRequest: signer.canonicalString(), stringToSign: signer.stringToSign() };
}

/** Seconds of a new process that does nothing, imports, or imports and signs once. */
function starting() {
  const peer = (name) => JSON.stringify(import.meta.resolve(name));
  const sign = `new Signer({ credentials: { accessKeyId: "a", secretAccessKey: "b" }, region: "${REGION}" }).sign("GET", "${URL}");`;
  const programs = {
    bare: "",
    import_ours: 'import "xacct-sign";',
    first_ours: `import { Signer } from "xacct-sign"; ${sign}`,
    import_aws4: `import ${peer("aws4")};`,
    import_aws4fetch: `import ${peer("aws4fetch")};`,
    import_smithy: `import ${peer("@smithy/signature-v4")};`,
  };
  const files = Object.entries(programs).map(([name, text]) => {
    const file = join(app, `start-${name}.mjs`);
    writeFileSync(file, text);
    return [name, file];
  });
  const times = Object.fromEntries(files.map(([name]) => [name, []]));
  const env = { PATH: process.env.PATH };
  for (let round = 0; round < 41; round++) {
    for (const [name, file] of files) {
      const start = process.hrtime.bigint();
      execFileSync(process.execPath, [file], { env });
      times[name].push(Number(process.hrtime.bigint() - start) / 1e9);
    }
  }
  const { bare, ...others } = medians(times);
  return Object.fromEntries(Object.entries(others).map(([name, seconds]) => [name, seconds - bare]));
}
