// What the driver does for the rules: one fetch for many, what fails, what takes too long, what is said of it.

import { afterEach, describe, expect, test, vi } from "vitest";
import { PLACES } from "../wasm/constants.js";
import {
  encode,
  good,
  keySet,
  merged,
  NOW,
  outcome,
  proofOf,
  proofValues,
  SHOP,
  sts,
  token,
  tokenOf,
  usualKeys,
  worldOf,
} from "./world.js";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const bearer = (text: string) => `Bearer ${text}`;
const many = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

const GOOD = token();
/** A good token but for another key id; nobody gets as far as its signature. */
const ofKey = (kid: string) =>
  `${encode(JSON.stringify(merged(good().header, { kid })))}${GOOD.slice(GOOD.indexOf("."))}`;

/** Keys that an issuer publishes once it is let. */
function held() {
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { keys: (url: string) => released.then(() => usualKeys(url)), publish: () => letGo() };
}

/** The claims of a token of somebody else's account. */
const PARTNER = {
  iss: "https://b203b2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws",
  sub: "arn:aws:iam::222222222222:role/a/b/Any",
  "https://sts.amazonaws.com/": { aws_account: "222222222222" },
};

/** The module's memory: set when it is instantiated. */
let memory: WebAssembly.Memory;
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(...given: ConstructorParameters<typeof WebAssembly.Instance>) {
    super(...given);
    memory = this.exports.memory as WebAssembly.Memory;
  }
};

describe("keys", () => {
  test("are fetched once for all that wait, and one more than the line has places for is refused at once", async () => {
    const { keys, publish } = held();
    const { verifier, asked } = worldOf({ keys });
    const checks = many(1 + PLACES, (index) =>
      outcome(verifier.check(bearer(token({ jti: `${index % 20}` })), "GET", "/")),
    );
    const more = await Promise.allSettled(many(10, () => verifier.check(bearer(token()), "GET", "/")));
    for (const refused of more) {
      const reason = {
        name: "RefusedError",
        code: "too_busy",
        status: 503,
        message: expect.stringMatching(/^too many /),
      };
      expect(refused).toMatchObject({ status: "rejected", reason });
    }
    expect(asked).toHaveLength(1);
    publish();
    expect(new Set(await Promise.all(checks))).toEqual(new Set(["caller shop"]));
    expect(asked).toHaveLength(1);
    // The places are free again: a refusal frees one, too.
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
  });

  test("a full line holds up nobody whose keys are at hand, and no proof", async () => {
    const partner = held();
    const { verifier } = worldOf({ keys: (url) => (url.startsWith(SHOP) ? usualKeys(url) : partner.keys(url)) });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    const waiting = many(1 + PLACES, () => outcome(verifier.check(bearer(token(PARTNER)), "GET", "/")));
    expect(await outcome(verifier.check(bearer(token(PARTNER)), "GET", "/"))).toBe("too_busy");
    expect(await outcome(verifier.check(bearer(token({ jti: "another" })), "GET", "/"))).toBe("caller shop");
    const proofs = many(2, () => outcome(verifier.check(bearer(proofOf(proofValues())), "GET", "/")));
    expect(await Promise.all(proofs)).toEqual(["caller shop", "caller shop"]);
    partner.publish();
    // It is the shop's key that made them.
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["signature_wrong"]));
  });

  test("a full line of one issuer's tokens holds up no first token of another's", async () => {
    const partner = held();
    const { verifier } = worldOf({ keys: (url) => (url.startsWith(SHOP) ? usualKeys(url) : partner.keys(url)) });
    const waiting = many(1 + PLACES, () => outcome(verifier.check(bearer(token(PARTNER)), "GET", "/")));
    expect(await outcome(verifier.check(bearer(token(PARTNER)), "GET", "/"))).toBe("too_busy");
    // One fetches, and the other waits.
    const shops = many(2, () => outcome(verifier.check(bearer(token()), "GET", "/")));
    expect(await Promise.all(shops)).toEqual(["caller shop", "caller shop"]);
    partner.publish();
    await Promise.all(waiting);
  });

  test("a report lets go who waits for it, and nobody else", async () => {
    const partner = held();
    let steps = 0;
    const now = () => {
      steps += 1;
      return new Date(NOW);
    };
    const { verifier } = worldOf({ now, keys: (url) => (url.startsWith(SHOP) ? usualKeys(url) : partner.keys(url)) });
    const waiting = many(1 + PLACES, () => outcome(verifier.check(bearer(token(PARTNER)), "GET", "/")));
    const proof = (audience: string) => verifier.check(bearer(proofOf(proofValues(audience))), "GET", "/");
    steps = 0;
    for (const index of many(10, (index) => index)) expect(await outcome(proof(`a${index}`))).toBe("proof_refused");
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    expect(steps).toBeLessThan(60);
    partner.publish();
    await Promise.all(waiting);
  });

  test("those who wait keep nothing in the module, however long what they sent is", async () => {
    const { keys, publish } = held();
    const { verifier } = worldOf({ keys });
    const long = (index: number) => bearer(token({ jti: `${index}`, pad: "A".repeat(10_000) }));
    const sent = many(20, long);
    const before = memory.buffer.byteLength;
    const waiting = many(1 + PLACES, (index) => outcome(verifier.check(sent[index % 20] as string, "GET", "/")));
    expect(memory.buffer.byteLength - before).toBeLessThan(1_000_000);
    publish();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["caller shop"]));
  });

  test("a thousand key ids that nobody knows cause one fetch", async () => {
    const { verifier, asked } = worldOf();
    const found = await Promise.all(
      many(1000, (index) => outcome(verifier.check(bearer(ofKey(`EC384_X${index}`)), "GET", "/"))),
    );
    expect(found.filter((code) => code === "too_busy")).toHaveLength(1000 - 1 - PLACES);
    expect(found.filter((code) => code === "key_unknown")).toHaveLength(1 + PLACES);
    expect(asked).toHaveLength(1);
  });

  test("a thousand key ids that nobody knows cause one more fetch in ten seconds, and hold up no good token", async () => {
    const { verifier, asked, pass } = worldOf();
    const goes = (jti: string) => outcome(verifier.check(bearer(token({ jti })), "GET", "/"));
    expect(await goes("before")).toBe("caller shop");
    /** All at once, and a good token among them. */
    const flood = async (name: string) => {
      const ids = many(1000, (index) => outcome(verifier.check(bearer(ofKey(`EC384_${name}_${index}`)), "GET", "/")));
      expect(await goes(name)).toBe("caller shop");
      return new Set(await Promise.all(ids));
    };
    const refused = new Set(["key_unknown"]);
    const fetching = new Set(["key_unknown", "too_busy"]);
    // The keys are no ten seconds old.
    expect(await flood("young")).toEqual(refused);
    expect(asked).toHaveLength(1);
    pass(10);
    expect(await flood("first")).toEqual(fetching);
    expect(asked).toHaveLength(2);
    // One after the other, for all but ten seconds.
    for (let index = 0; index < 1000; index++) {
      pass(0.0099);
      expect(await outcome(verifier.check(bearer(ofKey(`EC384_slow_${index}`)), "GET", "/"))).toBe("key_unknown");
    }
    expect(await flood("last")).toEqual(refused);
    expect(asked).toHaveLength(2);
    pass(0.2);
    expect(await flood("next")).toEqual(fetching);
    expect(asked).toHaveLength(3);
    expect(await goes("after")).toBe("caller shop");
  });

  test("that WebCrypto fails to import once are imported anew", async () => {
    const { verifier } = worldOf({ keys: () => keySet(["next_ec"]) });
    const { header: head, claims } = good();
    const header = bearer(tokenOf(JSON.stringify(head), JSON.stringify(claims), "ES384", "next_ec"));
    const failing = vi.spyOn(crypto.subtle, "importKey").mockRejectedValueOnce(new Error("busy"));
    expect(await outcome(verifier.check(header, "GET", "/"))).toBe("signature_wrong");
    expect(await outcome(verifier.check(header, "GET", "/"))).toBe("caller shop");
    expect(failing).toHaveBeenCalledTimes(2);
    failing.mockRestore();
  });

  test("that are changed count from the next fetch on", async () => {
    let names = ["shop_ec"];
    const { verifier, asked, pass } = worldOf({ keys: () => keySet(names) });
    const first = bearer(token());
    expect(await outcome(verifier.check(first, "GET", "/"))).toBe("caller shop");
    names = ["next_ec"];
    pass(11);
    // An id that is not known has the set fetched, and with the new set the old key is none any more.
    expect(await outcome(verifier.check(bearer(ofKey("EC384_9")), "GET", "/"))).toBe("key_unknown");
    expect(await outcome(verifier.check(first, "GET", "/"))).toBe("signature_wrong");
    expect(asked).toHaveLength(2);
  });

  /** Keys that can be had until `isOut`. */
  const unreliable = () => {
    const issuer = {
      isOut: false,
      keys(url: string): string {
        if (issuer.isOut) throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
        return usualKeys(url);
      },
    };
    return issuer;
  };
  const LATER = Date.parse("2026-11-26T14:00:00Z");

  test("at hand survive an outage: nobody waits for others, and the log says of it", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const issuer = unreliable();
    const { verifier, asked, logged, pass } = worldOf(issuer);
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    issuer.isOut = true;
    pass(2 * 3600);
    // Between two tries of the fetch.
    expect(await outcome(verifier.check(bearer(token({}, LATER)), "GET", "/"))).toBe("caller shop");
    expect(logged).toEqual([]);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(asked).toHaveLength(1 + 3);
    expect(logged).toEqual([
      {
        code: "keys_not_fetched",
        message: expect.stringMatching(/^the keys at https:\S+ cannot be fetched: fetch failed: connect ECONNREFUSED$/),
        cause: expect.any(TypeError),
      },
    ]);
  });

  test("are at hand for a day where a page comes in their place, and the log says of it", async () => {
    let page: string | undefined;
    const { verifier, logged, pass } = worldOf({ keys: () => page ?? keySet(["shop_ec"]) });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    page = "<html>";
    pass(2 * 3600);
    const header = bearer(token({}, LATER));
    expect(await outcome(verifier.check(header, "GET", "/"))).toBe("caller shop");
    await vi.waitFor(() => expect(logged).toHaveLength(1));
    const message = expect.stringMatching(/^the keys at https:\S+ cannot be fetched: the answer is no set of keys$/);
    expect(logged).toEqual([{ code: "keys_not_fetched", message, cause: expect.any(Error) }]);
  });

  test("that are fetched beside count from then on", async () => {
    let names = ["shop_ec"];
    const { verifier, asked, pass } = worldOf({ keys: () => keySet(names) });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    names = ["next_ec"];
    pass(2 * 3600);
    const header = bearer(token({}, LATER));
    expect(await outcome(verifier.check(header, "GET", "/"))).toBe("caller shop");
    await vi.waitFor(async () => expect(await outcome(verifier.check(header, "GET", "/"))).toBe("signature_wrong"));
    expect(asked).toHaveLength(2);
  });

  test("in a Lambda function, which is frozen behind its answer, are waited for", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "orders");
    let names = ["shop_ec"];
    const { verifier, pass } = worldOf({ keys: () => keySet(names) });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    names = ["next_ec"];
    pass(2 * 3600);
    expect(await outcome(verifier.check(bearer(token({}, LATER)), "GET", "/"))).toBe("signature_wrong");
  });

  test("in a Lambda function are waited for no longer than a second where those at hand serve", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "orders");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let isOut = false;
    const keys = (url: string) => (isOut ? new Promise<never>(() => {}) : usualKeys(url));
    const { verifier, asked, logged, pass } = worldOf({ keys });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    isOut = true;
    pass(2 * 3600);
    const check = (jti: string) => outcome(verifier.check(bearer(token({ jti }, LATER)), "GET", "/"));
    let found = "";
    void check("first").then((outcome) => {
      found = outcome;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(found).toBe("");
    await vi.advanceTimersByTimeAsync(1);
    await vi.waitFor(() => expect(found).toBe("caller shop"));
    expect(logged).toMatchObject([
      { code: "keys_not_fetched", message: expect.stringContaining("no whole answer in 1 s") },
    ]);
    // And those who come next do not wait at all.
    expect(await check("next")).toBe("caller shop");
    expect(asked).toHaveLength(2);
    // Who has none at hand waits for the whole fetch.
    const partner = outcome(verifier.check(bearer(token(PARTNER, LATER)), "GET", "/"));
    await vi.advanceTimersByTimeAsync(7_999);
    expect(logged).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await partner).toBe("keys_unavailable");
  });

  test("a connection that breaks is tried again", async () => {
    let count = 0;
    const keys = (url: string) => {
      count += 1;
      if (count < 3) throw new Error("socket hang up");
      return usualKeys(url);
    };
    const { verifier, logged } = worldOf({ keys });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("caller shop");
    expect(logged).toEqual([]);
  });

  test("a check that fails by itself leaves nobody waiting", async () => {
    let publish = (_: string) => {};
    let isBroken = false;
    const keys = () =>
      new Promise<string>((resolve) => {
        publish = resolve;
      });
    const now = () => {
      if (isBroken) {
        isBroken = false;
        throw new Error("no clock");
      }
      return new Date(NOW);
    };
    const { verifier, asked } = worldOf({ keys, now });
    const first = verifier.check(bearer(token({ jti: "1" })), "GET", "/");
    const second = outcome(verifier.check(bearer(token({ jti: "2" })), "GET", "/"));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    isBroken = true;
    publish("{}");
    await expect(first).rejects.toThrow("no clock");
    await vi.waitFor(() => expect(asked).toHaveLength(2));
    publish(usualKeys(asked[1] as string));
    expect(await second).toBe("caller shop");
  });

  test.each([
    ["a redirect", new Response(null, { status: 302, headers: { location: "https://evil.example/" } }), "status 302"],
    ["a page that is not there", new Response("no", { status: 404 }), "status 404"],
    ["a body that is too long", new Response("A".repeat(70_000)), "longer than"],
  ])("%s is not taken for them", async (_, response, message) => {
    const { verifier, asked, logged } = worldOf({ keys: () => response });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("keys_unavailable");
    expect(asked).toHaveLength(1);
    expect(logged).toMatchObject([{ code: "keys_not_fetched", message: expect.stringContaining(message) }]);
  });

  test("a body without end is read no further than it may be", async () => {
    let parts = 0;
    const body = new ReadableStream({
      pull(controller) {
        parts += 1;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    const { verifier } = worldOf({ keys: () => new Response(body) });
    expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("keys_unavailable");
    expect(parts).toBeLessThan(10);
  });

  test("that do not come in time let those who wait go", async () => {
    vi.useFakeTimers();
    // It heeds no signal.
    const { verifier, logged } = worldOf({ keys: () => new Promise<never>(() => {}) });
    const checks = many(3, () => outcome(verifier.check(bearer(token()), "GET", "/")));
    await vi.advanceTimersByTimeAsync(7_999);
    expect(logged).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await Promise.all(checks)).toEqual(many(3, () => "keys_unavailable"));
    expect(logged).toMatchObject([{ message: expect.stringContaining("no whole answer in 8 s") }]);
  });

  test("a body that drips is given no more time", async () => {
    vi.useFakeTimers();
    const drips = new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }));
    const { verifier } = worldOf({ keys: () => drips });
    const check = outcome(verifier.check(bearer(token()), "GET", "/"));
    await vi.advanceTimersByTimeAsync(8_000);
    expect(await check).toBe("keys_unavailable");
  });
});

describe("proofs", () => {
  test("STS is asked once of one proof, and not again while it stands", async () => {
    // Those who wait are let go by the one who has asked, and not by time.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { verifier, asked, pass } = worldOf();
    const proof = bearer(proofOf(proofValues()));
    const found = await Promise.all(many(100, () => outcome(verifier.check(proof, "GET", "/"))));
    expect(new Set(found)).toEqual(new Set(["caller shop"]));
    pass(299);
    expect(await outcome(verifier.check(proof, "GET", "/"))).toBe("caller shop");
    expect(asked).toHaveLength(1);
    pass(2);
    expect(await outcome(verifier.check(proof, "GET", "/"))).toBe("proof_expired");
    expect(asked).toHaveLength(1);
  });

  test("another signature is another proof", async () => {
    const { verifier, asked } = worldOf();
    const values = proofValues();
    expect(await outcome(verifier.check(bearer(proofOf(values)), "GET", "/"))).toBe("caller shop");
    const other = { ...values, signature: "0".repeat(64) };
    expect(await outcome(verifier.check(bearer(proofOf(other)), "GET", "/"))).toBe("proof_refused");
    expect(asked).toHaveLength(2);
  });

  test("STS out of reach lets nobody in, and the log says of it", async () => {
    const { verifier, logged } = worldOf({
      sts: () => {
        throw new Error("socket hang up");
      },
    });
    expect(await outcome(verifier.check(bearer(proofOf(proofValues())), "GET", "/"))).toBe("sts_unavailable");
    expect(logged).toMatchObject([
      { code: "sts_not_asked", message: "https://sts.ap-northeast-1.amazonaws.com cannot be asked: socket hang up" },
    ]);
  });

  test("the request that is sent is the one that was signed, and no more", async () => {
    const seen: Headers[] = [];
    const { verifier } = worldOf({
      sts(url, headers) {
        seen.push(headers);
        return sts(url, headers);
      },
    });
    await verifier.check(bearer(proofOf(proofValues())), "GET", "/");
    const names = ["accept", "authorization", "content-type", "x-amz-date", "x-amz-security-token", "x-xacct-audience"];
    expect(seen.map((headers) => [...headers.keys()])).toEqual([names]);
  });
});

test("of a flood of tokens three signatures are checked at once, 256 wait in their order, and the rest is refused", async () => {
  const { verifier } = worldOf();
  await verifier.check(bearer(token()), "GET", "/");
  const verify = crypto.subtle.verify.bind(crypto.subtle);
  const release: (() => void)[] = [];
  vi.spyOn(crypto.subtle, "verify").mockImplementation(async (...given) => {
    await new Promise<void>((resolve) => release.push(resolve));
    return verify(...given);
  });
  const ended: number[] = [];
  const outcomes = many(3 + PLACES + 2, async (index) => {
    const made = await outcome(verifier.check(bearer(token({ jti: `flood-${index}` })), "GET", "/"));
    ended.push(index);
    return made;
  });
  expect(await Promise.all(outcomes.slice(-2))).toEqual(["too_busy", "too_busy"]);
  ended.length = 0;
  for (let next = 0; next < 3 + PLACES; next++) {
    await vi.waitUntil(() => release.length > next, { interval: 0 });
    expect(release.length - next).toBeLessThanOrEqual(3);
    release[next]?.();
    await outcomes[next];
  }
  expect(await Promise.all(outcomes.slice(0, -2))).toEqual(many(3 + PLACES, () => "caller shop"));
  expect(ended).toEqual(many(3 + PLACES, (index) => index));
  // All places are free again.
  const after = verifier.check(bearer(token({ jti: "after" })), "GET", "/");
  await vi.waitUntil(() => release.length === 4 + PLACES, { interval: 0 });
  release.at(-1)?.();
  expect(await outcome(after)).toBe("caller shop");
});

test("a thousand requests with one new token are a thousand callers, and one signature is checked", async () => {
  const { verifier } = worldOf();
  await verifier.check(bearer(token()), "GET", "/");
  const verified = vi.spyOn(crypto.subtle, "verify");
  const renewed = token({ jti: "renewed" });
  // What is signed is the same, and the signature another one: a right one does not stand for it.
  const forged = `${renewed.slice(0, renewed.lastIndexOf("."))}${token().slice(token().lastIndexOf("."))}`;
  const checks = many(1000, () => outcome(verifier.check(bearer(renewed), "GET", "/")));
  expect(await outcome(verifier.check(bearer(forged), "GET", "/"))).toBe("signature_wrong");
  expect(new Set(await Promise.all(checks))).toEqual(new Set(["caller shop"]));
  expect(verified).toHaveBeenCalledTimes(2);
  // Nothing is kept of a check that is over.
  expect(await outcome(verifier.check(bearer(forged), "GET", "/"))).toBe("signature_wrong");
  expect(verified).toHaveBeenCalledTimes(3);
});

test("where WebCrypto fails a signature is wrong, and the log says of it", async () => {
  vi.spyOn(crypto.subtle, "verify").mockRejectedValue(new Error("no P-384 here"));
  const { verifier, logged } = worldOf();
  expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("signature_wrong");
  expect(logged).toMatchObject([{ code: "signature_not_checked", cause: { message: "no P-384 here" } }]);
});

test("a caller is the caller's own: what one does to it nobody else sees", async () => {
  const { verifier } = worldOf();
  const caller = await verifier.check(bearer(token()), "GET", "/");
  expect(caller).toEqual({
    name: "shop",
    account: "000000000000",
    arn: "arn:aws:iam::000000000000:role/LambdaRoleProd",
    role: "LambdaRoleProd",
    organization: "o-klmnopqrst",
    via: "token",
  });
  Object.assign(caller, { name: "admin" });
  expect(await verifier.check(bearer(token()), "GET", "/")).toMatchObject({ name: "shop" });
});

test("a log that fails changes no answer", async () => {
  const { verifier } = worldOf({
    keys: () => new Response(null, { status: 500 }),
    log: () => {
      throw new Error("the log is full");
    },
  });
  expect(await outcome(verifier.check(bearer(token()), "GET", "/"))).toBe("keys_unavailable");
});

test("no error and no log holds a token or a proof", async () => {
  const secret = "SECRETTOKENMARKER";
  const { verifier, logged } = worldOf({ sts: () => new Response(null, { status: 302 }) });
  const broken = [`${token()}${secret}`, `${secret}.${token()}`, proofOf(merged(proofValues(), { token: secret }))];
  for (const text of [...broken, secret, `xacct1.${secret}`]) {
    const error = await verifier.check(bearer(text), "GET", "/").catch((thrown) => thrown);
    const shown = `${error.stack} ${JSON.stringify(error)} ${JSON.stringify(logged)}`;
    expect(error.name).toBe("RefusedError");
    expect(shown).not.toContain(secret);
  }
});
