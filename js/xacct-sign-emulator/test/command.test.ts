// The same on the wire as the command `xacct-sign emulator`, which Rust serves.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import aws4 from "aws4";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CallerCredentials, type Emulator, startEmulator } from "xacct-sign-emulator";
import { FRONTS, REGION } from "./world.js";

/** Where an emulator is, and how to sign for it. */
interface Place {
  url(stage: string): string;
  readonly credentials: CallerCredentials;
}

let command: ChildProcess;
let emulator: Emulator;
let places: Place[];

beforeAll(async () => {
  const { XACCT_SIGN_BIN: program } = process.env;
  if (!program) throw new Error("XACCT_SIGN_BIN is not set to the command: `make test` does it");
  command = spawn(program, ["emulator", "--manifest", FRONTS, "--explain", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: command.stdout as NonNullable<ChildProcess["stdout"]> });
  const [line] = await once(lines, "line");
  const ready = JSON.parse(line);
  const {
    access_key_id: accessKeyId,
    secret_access_key: secretAccessKey,
    session_token: sessionToken,
  } = ready.callers[0].credentials;
  emulator = await startEmulator({ manifest: FRONTS, explain: true });
  places = [
    {
      url: (stage) => (stage === "sts" ? ready.sts_url : ready.stages[stage].url),
      credentials: { accessKeyId, secretAccessKey, sessionToken },
    },
    {
      url: (stage) => (stage === "sts" ? emulator.stsUrl : emulator.url(stage)),
      credentials: emulator.credentials("shop", "restd"),
    },
  ];
});
afterAll(async () => {
  await emulator?.close();
  command?.kill();
});

/** Sends bytes, and gives what came until the other side closed. */
async function exchanged(url: string, ...pieces: (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const came: Buffer[] = [];
  socket.on("data", (piece) => came.push(piece));
  socket.on("error", () => {});
  for (const piece of pieces) socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
  await new Promise((fulfil) => socket.once("close", fulfil));
  return Buffer.concat(came).toString("latin1");
}

/** A signed head, with headers as they stand in it. */
function signed(
  { url, credentials }: Place,
  stage: string,
  method: string,
  path: string,
  headers: object = {},
  body?: string,
): string {
  const { host } = new URL(url(stage));
  const service = stage === "sts" ? "sts" : stage.startsWith("url") ? "lambda" : "execute-api";
  const request = { host, method, path, service, region: REGION, headers: { ...headers, connection: "close" }, body };
  const { headers: all = {} } = aws4.sign(request as aws4.Request, credentials);
  return `${method} ${path} HTTP/1.1\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
}

/** What is drawn, and what is of the moment or of the place, is not compared; and what each server has for its own. */
function comparable(text: string, place: Place): unknown {
  let told = text;
  for (const stage of ["sts", "http", "rest", "restd", "url", "urld"]) {
    told = told.replaceAll(new URL(place.url(stage)).host, `[${stage}]`);
  }
  const [heads = "", body = ""] = told.split(/\r\n\r\n(?!HTTP)/, 2);
  const lines = heads.split("\r\n").map((line) => line.replace(/^HTTP\/1.[01] (\d+).*/, "$1"));
  const isCompared = (line: string) => !/^(date|connection|keep-alive|transfer-encoding|$)/i.test(line);
  const ids = /^(apigw-requestid|x-amzn-requestid|x-amz-apigw-id):.*/i;
  const shown = lines
    .filter(isCompared)
    .map((line) => line.replace(ids, "$1").replace(/^[^:]*/, (name) => name.toLowerCase()));
  const moments =
    /((ASIA|AROA)[A-Z2-7]+|\d{8}T\d{6}Z|"(requestId|extendedRequestId|time|requestTime)":"[^"]*"|"(timeEpoch|requestTimeEpoch)":\d+|<RequestId>[^<]*|[0-9a-f]{64}|IQoJ[A-Za-z0-9+/=]+)/g;
  return { head: shown.sort(), body: body.replace(moments, "~").replace(/\d{2}\/\w{3}\/\d{4}/g, "~") };
}

async function same(send: (place: Place) => Promise<string>): Promise<string> {
  const [first = "", second = ""] = await Promise.all(places.map(send));
  const [ofCommand, ofPackage] = places.map((place, index) => comparable([first, second][index] ?? "", place));
  expect(ofPackage).toEqual(ofCommand);
  return second;
}

const close = "connection: close\r\n";

test.each(["http", "rest", "restd", "url", "urld", "sts"])("unsigned, %s", async (stage) => {
  const seen = await same((place) =>
    exchanged(
      place.url(stage),
      `GET ${new URL(place.url(stage)).pathname} HTTP/1.1\r\nhost: a.example\r\n${close}\r\n`,
    ),
  );
  expect(seen).toMatch(/^HTTP\/1.1 (403|400|302)/);
});

test.each<[string, string, string, string]>([
  ["GET", "restd", "/v1/hoge?a=b&c=%20", "200"],
  ["PUT", "urld", "/a//b", "200"],
  ["HEAD", "restd", "/v1/x", "200"],
  ["OPTIONS", "restd", "/v1/x", "200"],
  ["GET", "http", "/hoge", "403"],
  ["GET", "rest", "/v1/x", "403"],
  ["GET", "restd", "/v2/x", "403"],
  ["GET", "restd", "/v1/%zz", "403"],
  ["PURGE", "http", "/x", "404"],
])("signed: %s %s %s", async (method, stage, path, status) => {
  const seen = await same((place) => exchanged(place.url(stage), signed(place, stage, method, path)));
  expect(seen).toMatch(`HTTP/1.1 ${status}`);
});

test("headers that come twice, and bytes that are no ASCII", async () => {
  const more = "x-twice: 1\r\nX-Twice: 2\r\nx-latin: \xe9\r\n";
  const seen = await same((place) =>
    exchanged(place.url("restd"), signed(place, "restd", "GET", "/v1/x").replace("\r\n", `\r\n${more}`)),
  );
  expect(seen).toContain('"x-twice":"1,2"');
});

test.each<[string, string]>([
  ["no host", `GET /x HTTP/1.1\r\n${close}\r\n`],
  ["HTTP/1.0", `GET /x HTTP/1.0\r\n\r\n`],
  ["an absolute target", `GET http://b.example/x HTTP/1.1\r\nhost: a.example\r\n${close}\r\n`],
  ["values that are too long", `GET /x HTTP/1.1\r\nhost: a.example\r\nx-long: ${"a".repeat(11_000)}\r\n${close}\r\n`],
  [
    "more than most servers take",
    `GET /x HTTP/1.1\r\nhost: a.example\r\nx-long: ${"a".repeat(40_000)}\r\n${close}\r\n`,
  ],
])("%s", async (_, text) => {
  await same((place) => exchanged(place.url("http"), text));
});

test("a body that is announced too long, and one that gets too long", async () => {
  const long = 6 * 1024 * 1024 + 1;
  const announced = (place: Place) =>
    exchanged(
      place.url("urld"),
      signed(place, "urld", "POST", "/x", { "content-length": String(long) }),
      Buffer.alloc(long),
    );
  expect(await same(announced)).toMatch(/^HTTP\/1.1 413/);
  const head = (place: Place) =>
    signed(place, "urld", "POST", "/x", { "transfer-encoding": "chunked", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" });
  const chunked = (place: Place) =>
    exchanged(place.url("urld"), head(place), `${long.toString(16)}\r\n`, Buffer.alloc(long), "\r\n0\r\n\r\n");
  expect(await same(chunked)).toMatch(/^HTTP\/1.1 413/);
});

test("who asks for leave to send a body gets it only if signed", async () => {
  const expecting = { expect: "100-continue" };
  const body = "abc";
  const right = await same((place) =>
    exchanged(place.url("restd"), signed(place, "restd", "PUT", "/v1/x", expecting, body), body),
  );
  expect(right).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
  const head = `PUT /v1/x HTTP/1.1\r\nhost: a.example\r\nexpect: 100-continue\r\ncontent-length: 3\r\n${close}\r\n`;
  expect(await same((place) => exchanged(place.url("restd"), head))).toMatch(/^HTTP\/1.1 403/);
});

test("STS", async () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const role = "arn:aws:iam::111111111111:role/ApiHttp";
  for (const body of [
    "Action=GetCallerIdentity&Version=2011-06-15",
    `Action=AssumeRole&Version=2011-06-15&RoleSessionName=s&RoleArn=${encodeURIComponent(role)}x`,
    "Action=Other&Version=2011-06-15",
  ]) {
    await same((place) => exchanged(place.url("sts"), signed(place, "sts", "POST", "/", form, body), body));
  }
  const preflight = `OPTIONS / HTTP/1.1\r\nhost: a.example\r\norigin: https://b.example\r\naccess-control-request-method: POST\r\n${close}\r\n`;
  expect(await same((place) => exchanged(place.url("sts"), preflight))).toMatch(/^HTTP\/1.1 200/);
  const discovery = `GET /issuers/000000000000/.well-known/openid-configuration HTTP/1.1\r\nhost: a.example\r\n${close}\r\n`;
  expect(await same((place) => exchanged(place.url("sts"), discovery))).toContain("jwks_uri");
});
