// Real peers: random requests signed by aws4, by @smithy/signature-v4 and by us, and their requests at the emulator.
// SEED=N repeats a run.

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { byAws4, bySmithy, parts } from "../lib/peers.mjs";
import { generator, randomRequest, target } from "../lib/random.mjs";
import { freshApp } from "../lib/run.mjs";

const REQUESTS = 2_000;
const WIRE_REQUESTS = 100;
const SEED = process.env.SEED === undefined ? Date.now() % 2 ** 32 : Number(process.env.SEED);

/** Headers that we sign and the peers sign. */
const SIGNED = ["content-type", "accept", "x-custom", "x-amz-meta-a", "if-match", "cookie", "accept-language"];
/** Headers that nobody signs. */
const UNSIGNED = ["expect", "user-agent", "x-amzn-trace-id"];

const proxies = "we do not sign it: clients and proxies set or change it";
const onHop = "we do not sign it: it concerns one connection";
const stays = "we sign it where a caller gives it: nobody changes it on the way";

/**
 * What the peers do otherwise, and why we do what we do.
 *
 * @type {{ peer: string, what: string, why: string, name?: string, isSentAsSigned?: boolean, is: (request: any) => boolean, without: (request: any) => any }[]}
 */
const DIFFERENCES = [
  ...["accept-encoding", "cache-control", "forwarded", "via", "x-forwarded-for"].map((name) =>
    header("aws4", name, proxies),
  ),
  ...["keep-alive", "proxy-authorization", "te"].map((name) => header("aws4", name, onHop)),
  header("aws4", "range", stays),
  ...["accept-encoding", "content-length", "forwarded", "via", "x-forwarded-for"].map((name) =>
    header("smithy", name, proxies),
  ),
  ...["from", "max-forwards", "pragma", "referer", "sec-fetch-mode"].map((name) => header("smithy", name, stays)),
  header("smithy", "date", "it takes the header away, we leave what a caller gives"),
  {
    peer: "aws4",
    what: "a body's length",
    isSentAsSigned: true,
    why: "it adds `content-length` and signs it; HTTP clients set it, and the body's hash covers it",
    is: ({ body }) => body !== "",
    without: (request) => ({ ...request, extraHeadersToIgnore: { "content-length": true } }),
  },
  {
    peer: "aws4",
    what: "a query parameter without a name",
    why: "it leaves it out; it is sent, so we sign it",
    is: ({ query }) => query.some(([name]) => name === ""),
    without: (request) => {
      const kept = (list) => list.filter((_, index) => request.query[index][0] !== "");
      return { ...request, query: kept(request.query), wire: kept(request.wire) };
    },
  },
  dotsAtTheEnd("aws4"),
  dotsAtTheEnd("smithy"),
];

function dotsAtTheEnd(peer) {
  return {
    peer,
    what: "a path that ends in `.` or `..`",
    why: "it leaves no slash there; RFC 3986, section 5.2.4, does",
    is: ({ path }) => /\/\.\.?$/.test(path),
    without: (request) => ({ ...request, path: `${request.path}/x` }),
  };
}

function header(peer, name, why) {
  const others = ({ headers }) => Object.entries(headers).filter(([each]) => each.toLowerCase() !== name);
  return {
    peer,
    what: `the header ${name}`,
    name,
    why,
    is: (request) => others(request).length < Object.keys(request.headers).length,
    without: (request) => ({ ...request, headers: Object.fromEntries(others(request)) }),
  };
}

const SIGNERS = {
  aws4: async (request) => {
    const { headers } = byAws4(request, scope);
    // It adds a content type to a body that has none, and signs it.
    const type = Object.entries(headers).filter(([name]) => name.toLowerCase() === "content-type");
    return {
      theirs: parts(String(headers.Authorization)),
      headers: { ...request.headers, ...Object.fromEntries(type) },
    };
  },
  smithy: async (request) => {
    const { headers } = await bySmithy(request, scope);
    return { theirs: parts(headers.authorization), headers: request.headers };
  },
};

let xacct;
let emulator;
let scope;
let signer;
before(async () => {
  console.log(`SEED=${SEED}`);
  const [started, app] = await Promise.all([startEmulator(), freshApp()]);
  emulator = started;
  xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
  const { region, roleArn, stsEndpoint, base } = emulator;
  const credentials = await xacct.assumeRole({ region, roleArn, stsEndpoint, base, sessionName: "peers" })();
  scope = { credentials, region, service: "execute-api", now: new Date() };
  signer = new xacct.Signer({ credentials, region });
});
after(() => emulator?.stop());

async function both(peer, request) {
  const { theirs, headers } = await SIGNERS[peer](request);
  const { method, host, body } = request;
  const ours = signer.sign(method, `https://${host}${target(request)}`, { headers, body, now: scope.now });
  return { ours: parts(ours.authorization), theirs };
}

for (const peer of Object.keys(SIGNERS)) {
  const differences = DIFFERENCES.filter((each) => each.peer === peer);
  test(`${peer} and we give the same signature, but for ${differences.length} listed differences`, async () => {
    const names = [...SIGNED, ...SIGNED, ...UNSIGNED, ...differences.flatMap(({ name }) => name ?? [])];
    const random = generator(SEED);
    const seen = new Map(differences.map((each) => [each, 0]));
    let plain = 0;
    for (let count = 0; count < REQUESTS; count++) {
      const request = randomRequest(random, names, "api.example.com");
      const found = differences.filter((each) => each.is(request));
      const agreed = found.reduce((rest, each) => each.without(rest), request);
      const { ours, theirs } = await both(peer, agreed);
      assert.ok(theirs.signature);
      assert.deepEqual(ours, theirs, `SEED=${SEED}: ${JSON.stringify(agreed)}`);
      if (found.length === 0) plain++;
      if (found.length === 1) {
        const { ours, theirs } = await both(peer, request);
        if (ours.signature !== theirs.signature) seen.set(found[0], seen.get(found[0]) + 1);
      }
    }
    // A difference that is none does not stay in the list.
    for (const [{ what }, count] of seen) assert.ok(count > 0, `SEED=${SEED}: ${what} makes no difference`);
    assert.ok(plain > REQUESTS / 10, `SEED=${SEED}: only ${plain} requests without a difference`);
  });
}

/** Node's client gives a DELETE no length by itself. */
function withLength(headers, body) {
  const has = Object.keys(headers).some((name) => name.toLowerCase() === "content-length");
  return body === "" || has ? headers : { ...headers, "content-length": Buffer.byteLength(body) };
}

/** Sends a request as a peer signed it. */
function send(method, path, headers, body) {
  return new Promise((fulfil, reject) => {
    const { hostname, port } = new URL(emulator.url);
    const request = httpRequest({ hostname, port, method, path, headers: withLength(headers, body) }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      response.on("end", () =>
        fulfil({ status: response.statusCode, text, reason: response.headers["x-xacct-reason"] }),
      );
    });
    request.on("error", reject).end(body);
  });
}

const WIRE = {
  aws4: async (request) => {
    const { path, headers } = byAws4(request, scope);
    return { path, headers };
  },
  smithy: async (request) => {
    const { path, query, headers } = await bySmithy(request, scope);
    const encoded = (text) =>
      encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      [value].flat().map((each) => `${encoded(name)}=${encoded(each)}`),
    );
    return { path: pairs.length > 0 ? `${path}?${pairs.join("&")}` : path, headers };
  },
};

for (const peer of Object.keys(WIRE)) {
  test(`the emulator takes what ${peer} signs`, async () => {
    const random = generator(SEED + 1);
    const host = new URL(emulator.url).host;
    for (let count = 0; count < WIRE_REQUESTS; count++) {
      const request = randomRequest(random, SIGNED, host);
      const agreed = DIFFERENCES.filter(
        (each) => each.peer === peer && !each.isSentAsSigned && each.is(request),
      ).reduce((rest, each) => each.without(rest), request);
      const { path, headers } = await WIRE[peer](agreed);
      const { status, text, reason } = await send(request.method, path, headers, request.body);
      assert.equal(status, 200, `SEED=${SEED}: ${JSON.stringify(agreed)} ${path} ${reason}`);
      if (request.method !== "HEAD") assert.equal(JSON.parse(text).body, request.body);
    }
  });
}
