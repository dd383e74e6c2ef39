// Other people's clients at the emulator, with a verifier beside it that has nothing of ours. What they send, and what comes out
// otherwise than well, is `tests/clients.toml`; the Python tests have the clients in Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { aws4Interceptor } from "aws4-axios";
import axios from "axios";
import { parse } from "smol-toml";
import { startEmulator } from "../lib/emulator.mjs";
import { CLIENTS } from "../lib/other-clients.mjs";
import { freshApp } from "../lib/run.mjs";
import { reasonOf, sentAgain, startJudge, startRecorder, statusOf } from "../lib/wire.mjs";

/** @type {any} */
const TABLE = parse(readFileSync(new URL("../../../tests/clients.toml", import.meta.url), "utf8"));
const LISTED = new Map(
  TABLE.listed.flatMap((entry) =>
    entry.clients.flatMap((client) => entry.requests.map((request) => [`${client}: ${request}`, entry])),
  ),
);
const CLOCK_OFF = 20 * 60_000;

let emulator;
let recorder;
let judge;
let keys;
before(async () => {
  judge = startJudge();
  const [started, app] = await Promise.all([startEmulator(), freshApp()]);
  emulator = started;
  recorder = await startRecorder(emulator.url);
  const xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
  const { region, roleArn, stsEndpoint, base } = emulator;
  const credentials = await xacct.assumeRole({ region, roleArn, stsEndpoint, base, sessionName: "clients" })();
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  keys = { accessKeyId, secretAccessKey, sessionToken };
});
after(() => {
  judge?.stop();
  recorder?.stop();
  return emulator?.stop();
});

/** What a client makes of a request; null if it sends nothing. */
async function send(client, name, changes = {}) {
  const { method = "GET", url: path, headers = {}, body, bytes } = TABLE.request[name];
  const sent = body === undefined ? bytes && Buffer.from(bytes, "hex") : Buffer.from(body);
  const call = { keys, region: emulator.region, method, base: recorder.url, path, headers, body: sent };
  const error = await CLIENTS[client]({ ...call, ...changes }).then(
    () => undefined,
    (error) => error,
  );
  const exchanges = recorder.take();
  if (error !== undefined && exchanges.length === 0) return null;
  assert.ifError(error);
  assert.equal(exchanges.length, 1);
  return exchanges[0];
}

/** Why the emulator refuses and why the verifier does. */
async function refusals(exchange) {
  const byJudge = await judge.refusal(exchange.request, keys, emulator.region);
  return [statusOf(exchange) === 200 ? null : (reasonOf(exchange) ?? statusOf(exchange)), byJudge];
}

async function outcomeOf(exchange) {
  if (exchange === null) return "not sent";
  const [byEmulator, byJudge] = await refusals(exchange);
  if ((byEmulator === null) !== (byJudge === null))
    return byEmulator === null ? "refused by the verifier alone" : "refused here alone";
  return byEmulator === null ? "accepted" : "refused";
}

for (const client of Object.keys(CLIENTS)) {
  test(`the emulator and the verifier agree on what ${client} signs, but for the list`, async () => {
    for (const name of Object.keys(TABLE.request)) {
      const exchange = await send(client, name);
      const shown = exchange && `${exchange.request}\n${await refusals(exchange)}`;
      const { outcome, line } = LISTED.get(`${client}: ${name}`) ?? { outcome: "accepted" };
      assert.equal(await outcomeOf(exchange), outcome, `${name}: ${shown}`);
      const said = /of the canonical request, the (\w+)/.exec((exchange && reasonOf(exchange)) ?? "");
      assert.equal(said?.[1], line, `${name}: ${shown}`);
    }
  });

  test(`both refuse what ${client} signed and somebody spoiled`, async () => {
    const exchange = await send(client, "json");
    const { request } = exchange;
    assert.equal(await outcomeOf(await sentAgain(emulator.url, request)), "accepted");
    const spoiled = {
      body: [request.replace('"bar"', '"baz"'), ["signature_mismatch", "body_mismatch"]],
      path: [request.replace(" /items", " /other"), ["signature_mismatch"]],
      token: [changedToken(request), ["token_invalid"]],
    };
    for (const [what, [changed, codes]] of Object.entries(spoiled)) {
      assert.notEqual(changed, request, what);
      await assertRefused(await sentAgain(emulator.url, String(changed)), codes, what);
    }
  });

  test(`both refuse what ${client} signs wrongly`, async (context) => {
    const { sessionToken, ...without } = keys;
    await assertRefused(await send(client, "json", { keys: without }), ["token_invalid"], "no token");
    const secretAccessKey = [...keys.secretAccessKey].reverse().join("");
    const wrong = { ...without, sessionToken, secretAccessKey };
    await assertRefused(await send(client, "json", { keys: wrong }), ["signature_mismatch"], "another secret");
    for (const off of [-CLOCK_OFF, CLOCK_OFF]) {
      context.mock.timers.enable({ apis: ["Date"], now: Date.now() + off });
      const exchange = await send(client, "json");
      context.mock.timers.reset();
      await assertRefused(exchange, ["skewed"], `a clock that is off by ${off}`);
    }
  });
}

/** With the token's last letter another, in the header or in the query. */
function changedToken(request) {
  const token = [keys.sessionToken, encodeURIComponent(keys.sessionToken)].find((each) => request.includes(each));
  return request.replace(token, `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`);
}

async function assertRefused(exchange, codes, what) {
  const [byEmulator, byJudge] = await refusals(exchange);
  assert.ok(byJudge !== null && statusOf(exchange) === 403, `${what}: ${byEmulator}, ${byJudge}`);
  assert.ok(codes.includes(byEmulator.split(":")[0]), `${what}: ${byEmulator}`);
}

test("aws4-axios assumes the role itself", async (context) => {
  const { region, roleArn, base, stsEndpoint, url } = emulator;
  const sts = await startRecorder(stsEndpoint);
  context.after(() => sts.stop());
  const environment = {
    AWS_ACCESS_KEY_ID: base.accessKeyId,
    AWS_SECRET_ACCESS_KEY: base.secretAccessKey,
    AWS_SESSION_TOKEN: base.sessionToken,
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  const before = { ...process.env };
  context.after(() => {
    for (const name of Object.keys(environment)) delete process.env[name];
    Object.assign(process.env, before);
  });
  Object.assign(process.env, environment);
  const client = axios.create();
  const instance = /** @type {any} */ (client);
  const options = { region, service: "execute-api", assumeRoleArn: roleArn };
  client.interceptors.request.use(aws4Interceptor({ options, instance }));
  const answer = await client.put(`${url}/items`, { foo: "bar" });
  assert.match(answer.data.requestContext.authorizer.iam.userArn, /:assumed-role\/ApiAllowByIamRoleStag\/axios$/);
  const [{ request }] = sts.take();
  assert.equal(await judge.refusal(request, base, region, "sts"), null);
  assert.notEqual(await judge.refusal(request, { ...base, sessionToken: "another" }, region, "sts"), null);
});

test("the list names these clients as those in JavaScript", () => {
  assert.deepEqual(TABLE.javascript.clients.toSorted(), Object.keys(CLIENTS).toSorted());
});
