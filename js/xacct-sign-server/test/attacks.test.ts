// The table that every language runs, tests/attacks.toml.

import { describe, expect, test } from "vitest";
import { createVerifier } from "xacct-sign-server";
import {
  encode,
  filled,
  good,
  token as goodToken,
  type Json,
  keySet,
  merged,
  outcome,
  proofOf,
  proofValues,
  signature,
  sts,
  TABLE,
  tokenOf,
  usualKeys,
  type World,
  worldOf,
} from "./world.js";

/** What a row says it is. */
const expected = ({ caller, code }: Json): string => code ?? `caller ${caller}`;

function token(row: Json): string {
  if (row.whole !== undefined) return row.whole;
  const { header, claims } = good();
  const namespace = "https://sts.amazonaws.com/";
  const withSts = { ...claims, [namespace]: merged(claims[namespace], row.sts) };
  const isRs256 = row.algorithm === "RS256";
  const ofAlgorithm = isRs256 ? merged(header, { alg: "RS256", kid: "RSA_0" }) : header;
  const headerText = row.raw_header ?? JSON.stringify(merged(ofAlgorithm, row.header));
  const claimsText = filled(row.raw_claims ?? JSON.stringify(merged(withSts, row.claims)));
  const { sign = isRs256 ? "RS256" : "ES384", key = isRs256 ? "shop_rsa" : "shop_ec" } = row;
  const parts = tokenOf(headerText, claimsText, sign, key).split(".") as [string, string, string];
  if (row.signature !== undefined) {
    parts[2] = encode(changed(row.signature, signature(sign, key, `${parts[0]}.${parts[1]}`)));
  }
  if (row.edit !== undefined) parts[row.edit[0]] += row.edit[1];
  return parts.join(".");
}

/** The order of P-384's group. */
const ORDER = Buffer.from(`${"f".repeat(48)}c7634d81f4372ddf581a0db248b0a77aecec196accc52973`, "hex");

function changed(what: string, whole: Uint8Array): Uint8Array {
  const [r, s, zero] = [whole.subarray(0, 48), whole.subarray(48), Buffer.alloc(48)];
  const integer = (half: Uint8Array) => Buffer.concat([Buffer.from([2, 49, 0]), half]);
  const changes: Record<string, () => Uint8Array> = {
    zero: () => Buffer.alloc(96),
    r_zero: () => Buffer.concat([zero, s]),
    s_zero: () => Buffer.concat([r, zero]),
    r_order: () => Buffer.concat([ORDER, s]),
    s_order: () => Buffer.concat([r, ORDER]),
    short: () => whole.subarray(0, 95),
    long: () => Buffer.concat([whole, Buffer.alloc(1)]),
    of_another: () => signature("ES384", "shop_ec", "another"),
    der: () => Buffer.concat([Buffer.from([0x30, 104]), integer(r), integer(s)]),
  };
  const change = changes[what];
  if (change === undefined) throw new Error(`${what} is no change of a signature`);
  return change();
}

function proof(row: Json): string {
  if (row.whole !== undefined) return row.whole;
  const values = proofValues(row.made_for);
  if (row.raw !== undefined) {
    return `xacct1.${encode(row.raw.replace(/\{(\w+)\}/g, (_: string, name: string) => values[name]))}`;
  }
  return `xacct1.${encode(filled(JSON.stringify(merged(values, row.values))))}`;
}

/** Checks the request that a row is. */
async function check({ verifier }: World, row: Json, word: string, bearer: string): Promise<string> {
  const fill = (text: string) => text.replaceAll(word, bearer);
  const headers: string[] = (row.authorization ?? [`Bearer ${word}`]).map(fill);
  return outcome(verifier.check(headers, [row.method ?? "GET", ...(row.overrides ?? [])], fill(row.path ?? "/items")));
}

describe.each(["token", "proof", "event", "callers"])("rows of %s", (kind) => {
  test("are many, and told apart", () => {
    const names = TABLE[kind].map(({ name }: Json) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
  });
});

/** Runs a row, and first the one that it comes after; `check` says what each comes to. */
async function run(kind: string, tested: Json, world: World, check: (row: Json) => Promise<string>): Promise<void> {
  const before = TABLE[kind].find(({ name }: Json) => name === tested.after);
  if (tested.after !== undefined) expect(await check(before)).toBe(expected(before));
  world.pass(tested.later ?? 0);
  world.asked.length = 0;
  expect(await check(tested)).toBe(expected(tested));
  if (tested.before_network) expect(world.asked).toEqual([]);
}

test.each<Json>(TABLE.token)("token: $name", async (tested) => {
  let row = tested;
  const keys = (url: string) => {
    if (row.publishes_text === "@nothing") throw new Error("nothing is there");
    if (row.publishes_text !== undefined) return filled(row.publishes_text);
    return row.publishes === undefined ? usualKeys(url) : keySet(row.publishes);
  };
  const world = worldOf({ keys, callers: { ...TABLE.world, algorithm: row.algorithm ?? "ES384" } });
  await run("token", tested, world, (next) => {
    row = next;
    return check(world, row, "{token}", token(row));
  });
});

test.each<Json>(TABLE.proof)("proof: $name", async (tested) => {
  let row = tested;
  const answers = (url: string, headers: Headers) => {
    const { answer } = row;
    if (answer === undefined) return sts(url, headers);
    if (typeof answer === "string") throw new Error("nothing is there");
    return new Response(filled(answer.body), { status: answer.status });
  };
  const world = worldOf({ sts: answers });
  await run("proof", tested, world, (next) => {
    row = next;
    return check(world, row, "{proof}", proof(row));
  });
});

test.each<Json>(TABLE.event)("event: $name", async (row) => {
  const { verifier } = worldOf({ callers: row.front === "world" ? TABLE.world : TABLE.fronts[row.front] });
  const reader = goodToken({ sub: "arn:aws:iam::000000000000:role/Reader" });
  for (const path of row.paths ?? [""]) {
    const event = row.event
      .replaceAll("{token}", goodToken())
      .replaceAll("{reader}", reader)
      .replaceAll("{path}", path);
    expect(await outcome(verifier.fromEvent(event)), path).toBe(expected(row));
    // As Lambda gives it, the second of two members is left alone.
    if (row.name !== "a member that stands twice") {
      expect(await outcome(verifier.fromEvent(JSON.parse(event))), path).toBe(expected(row));
    }
  }
});

test.each<Json>(TABLE.callers)("callers.json: $name", (row) => {
  const right = row.front === undefined ? TABLE.world : TABLE.fronts[row.front];
  expect(() => createVerifier({ callers: right })).not.toThrow();
  expect(() => createVerifier({ callers: merged(right, row.set) })).toThrow(
    expect.objectContaining({ name: "XacctSignError", code: row.code }),
  );
});

test("one character changed in a good token or proof: it is never taken", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  const { verifier } = worldOf();
  for (const whole of [goodToken(), proofOf(proofValues())]) {
    expect(await outcome(verifier.check(`Bearer ${whole}`, "GET", "/items"))).toBe("caller shop");
    for (let at = 0; at < whole.length; at++) {
      const other = alphabet[(alphabet.indexOf(whole[at] as string) + 1 + (at % 60)) % alphabet.length];
      const mutated = `Bearer ${whole.slice(0, at)}${other}${whole.slice(at + 1)}`;
      expect(await outcome(verifier.check(mutated, "GET", "/items")), `${at}`).not.toMatch(/^caller /);
    }
  }
});
