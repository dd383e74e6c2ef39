// What goes wrong on the way: `tests/faults.toml` through the packed package's `fetch` in Node, and a storm of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parse } from "smol-toml";
import { startEmulator } from "../lib/emulator.mjs";
import { startFaultProxy } from "../lib/fault-proxy.mjs";
import { freshApp } from "../lib/run.mjs";

/** @type {any} */
const TABLE = parse(readFileSync(new URL("../../../tests/faults.toml", import.meta.url), "utf8"));
/** Milliseconds, where the limit is what is tried. */
const SHORT = 1500;
/** Where it is not: a machine may have much else to do. */
const LONG = 20_000;
const BESIDE = 24;
const LARGE = new Uint8Array(16_000_000);
const METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"];
const CALLS = 300;

let xacct;
let emulator;
let shortLived;
let proxy;
before(async () => {
  const app = await freshApp();
  xacct = await import(pathToFileURL(join(app, "package.mjs")).href);
  [emulator, shortLived, proxy] = await Promise.all([
    startEmulator(),
    startEmulator("--credential-lifetime", "2"),
    startFaultProxy(),
  ]);
});
after(() => Promise.all([emulator?.stop(), shortLived?.stop(), proxy?.stop()]));

/** A `fetch` of the caller's behind the proxies, and what comes through them. */
async function behind(caller, what) {
  const pair = await proxy.open(caller, what);
  const { roleArn, region, base } = caller;
  return { pair, call: xacct.createFetch({ roleArn, region, base, stsEndpoint: pair.sts }) };
}

/** A status or a code. A 200 that belongs to another call is none. */
async function called({ call, pair }, method, id, limit = LONG, isLarge = false) {
  const body = isLarge ? LARGE : ["PUT", "POST", "PATCH"].includes(method) ? id : undefined;
  const init = { method, headers: { "x-call-id": id }, body, signal: AbortSignal.timeout(limit) };
  try {
    const answer = await call(`${pair.api}/hoge`, init);
    const text = await answer.text();
    if (answer.status !== 200 || method === "HEAD") return String(answer.status);
    return isOwn(text, method, id) ? "200" : "foreign";
  } catch (error) {
    return codeOf(error);
  }
}

function isOwn(text, method, id) {
  try {
    const seen = JSON.parse(text);
    return seen.method === method && seen.headers["x-call-id"] === id;
  } catch {
    return false;
  }
}

/** Of an error that is not the package's: the signal's reason, and what a body says that broke off. */
function codeOf(error) {
  if (error instanceof xacct.XacctSignError) return error.code;
  if (error.name === "TimeoutError") return "timeout";
  if (error instanceof TypeError && error.message === "terminated") return "transport";
  throw error;
}

/** An error of STS stands for a moment. */
async function recovers(session) {
  await session.pair.calm();
  while ((await called(session, "GET", "afterwards")) !== "200") await setTimeout(50);
}

function expected(row, method) {
  const differs = row.differs?.find((each) => each.faces.includes("javascript")) ?? {};
  return {
    outcome: differs.expect?.[method] ?? row.expect[method],
    sends: differs.sends?.[method] ?? row.sends[method],
    asked: differs.asked ?? row.asked,
  };
}

/** The calls before the one that matters: of two faults it is the one after that which meets them. */
async function isMet(row, session) {
  const { kind } = row.fault;
  const before = (row.after ?? 0) + (["close_after_answer", "unasked"].includes(kind) ? 1 : 0);
  for (let number = 0; number < before; number++) {
    assert.equal(await called(session, "GET", `before-${number}`), "200");
    // Until the connection is idle for Node, too.
    await setTimeout(1);
  }
  while (kind === "close_after_answer" && !(await session.pair.came()).api.some((came) => came.is_closed)) {
    await setTimeout(1);
  }
}

/** Runs it with so many at a time. */
async function each(all, run) {
  const left = [...all.entries()];
  const done = [];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) done[next[0]] = await run(next[1]);
  };
  await Promise.all(Array.from({ length: BESIDE }, worker));
  return done;
}

test("every fault ends right or typed, and sends nothing twice that must not be", async () => {
  const rows = TABLE.fault.flatMap((row) => Object.keys(row.expect).map((method) => ({ row, method })));
  const failed = await each(rows, async ({ row, method }) => {
    const session = await behind(emulator, { row: row.name });
    await isMet(row, session);
    const outcome = await called(session, method, "call", row.expect[method] === "timeout" ? SHORT : LONG, row.large);
    const came = await session.pair.came();
    const sends = came.api.filter((each) => each.id === "call").length;
    if (row.after > 0 && !["close_after_answer", "unasked"].includes(row.fault.kind)) {
      assert.equal(came.api[row.after].connection, came.api[0].connection, row.name);
    }
    const wanted = expected(row, method);
    const found = { outcome, sends, asked: wanted.asked === undefined ? undefined : came.sts.length };
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      return `${method}, ${row.name}: ${JSON.stringify(found)} and not ${JSON.stringify(wanted)}`;
    }
    await recovers(session);
    return undefined;
  });
  assert.deepEqual(
    failed.filter((failure) => failure !== undefined),
    [],
  );
});

const UNSEEN = ["reset_after_request", "close_after_request", "cut_head", "garbage", "huge_header"];

/** Whether the client has seen the head of a 403: after that a call may be sent again, whatever its method. */
function wasRefused({ fault, status }) {
  return (fault?.status ?? status) === 403 && !UNSEEN.includes(fault?.kind);
}

test("in a storm each call ends right or typed", async () => {
  const session = await behind(shortLived, { storm: 7 });
  const calls = Array.from({ length: CALLS }, (_, number) => ({ id: `${number}`, method: METHODS[number % 6] }));
  const outcomes = await each(calls, ({ id, method }) => called(session, method, id, SHORT));
  const came = (await session.pair.came()).api;
  for (const [number, { id, method }] of calls.entries()) {
    const ofCall = came.filter((each) => each.id === id);
    const refused = ofCall.slice(0, -1).filter(wasRefused).length;
    const others = ofCall.length - refused;
    const most = ["POST", "PATCH"].includes(method) ? 1 : 2;
    assert.ok(refused <= 1 && others <= most, `${method} came to ${outcomes[number]}: ${JSON.stringify(ofCall)}`);
    assert.ok(outcomes[number] !== "200" || others > 0);
  }
  await recovers(session);
  for (const outcome of ["200", "403", "transport", "timeout"]) assert.ok(outcomes.includes(outcome), outcome);
});
