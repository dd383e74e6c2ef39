// The world of tests/attacks.toml: its keys, tokens made with them, proofs made by aws4, an issuer and an STS.

import { createHmac, createPrivateKey, sign as signBy } from "node:crypto";
import { readFileSync } from "node:fs";
import aws4 from "aws4";
import { parse } from "smol-toml";
import { createVerifier, type Fetch, type Log, type LogEntry, type Verifier } from "xacct-sign-server";

// biome-ignore lint/suspicious/noExplicitAny: rows of a table, and JSON
export type Json = any;

const read = (path: string) => readFileSync(new URL(`../../../tests/${path}`, import.meta.url), "utf8");

export const TABLE: Json = parse(read("attacks.toml"));
export const PATHS: Json = parse(read("paths.toml")).request;
const KEYS: Json = JSON.parse(read("identity/keys.json"));

export const AUDIENCE = "https://api.example.com";
export const SHOP = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
export const CREDENTIALS = {
  accessKeyId: "ASIASHOPPROD00000001",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "IQoJb3JpZ2luX2VjEA+/0123456789==",
};
export const NOW = Date.parse("2026-11-26T12:00:00Z");

/** Members replaced; `"@absent"` takes one out. */
export function merged(value: Json, changes: Json = {}): Json {
  const entries = Object.entries({ ...value, ...changes }).filter(([, member]) => member !== "@absent");
  return Object.fromEntries(entries);
}

/** Instants and long texts in place of the words for them. */
export function filled(text: string): string {
  const at = (offset: string) => NOW + Number(offset) * 1000;
  return text
    .replaceAll("@long", "A".repeat(20_000))
    .replaceAll("@megabyte", "A".repeat(1_000_000))
    .replaceAll("@blanks", " ".repeat(1_000_000))
    .replace(/"@now([+-]\d+)"/g, (_, offset) => String(at(offset) / 1000))
    .replace(/@now([+-]\d+)/g, (_, offset) => String(at(offset) / 1000))
    .replace(/@text([+-]\d+)/g, (_, offset) => String(at(offset) / 1000))
    .replace(/@date([+-]\d+)/g, (_, offset) => amzDate(at(offset)))
    .replace(/\{(shop_\w+)\.(\w+)\}/g, (_, key, member) => KEYS[key][member]);
}

function amzDate(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, "");
}

export const encode = (bytes: string | Uint8Array): string => Buffer.from(bytes as Uint8Array).toString("base64url");

/** A key as its issuer publishes it. */
export function published(name: string): Json {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...key } = KEYS[name];
  return key;
}

export const keySet = (names: readonly string[]): string => JSON.stringify({ keys: names.map(published) });

/** What an issuer publishes, unless a test says otherwise. */
export function usualKeys(url: string): string {
  return keySet(url.startsWith(SHOP) ? ["shop_rsa", "shop_ec"] : ["partner_ec"]);
}

/** A signature in the form of JWTs. */
export function signature(algorithm: string, key: string, message: string): Uint8Array {
  if (algorithm === "none") return new Uint8Array();
  if (algorithm === "HS256")
    return createHmac("sha256", JSON.stringify(published(key)))
      .update(message)
      .digest();
  const hash = algorithm === "ES384" && KEYS[key].crv === "P-384" ? "sha384" : "sha256";
  const made = createPrivateKey({ key: KEYS[key], format: "jwk" });
  return signBy(hash, Buffer.from(message), { key: made, dsaEncoding: "ieee-p1363" });
}

/** Header and claims of a good token of `shop`. */
export function good(at = NOW): { header: Json; claims: Json } {
  const seconds = Math.floor(at / 1000);
  return {
    header: { alg: "ES384", kid: "EC384_0", typ: "JWT" },
    claims: {
      iss: SHOP,
      aud: AUDIENCE,
      sub: "arn:aws:iam::000000000000:role/LambdaRoleProd",
      iat: seconds - 10,
      exp: seconds + 290,
      jti: "9b1f0000-0000-4000-8000-000000000000",
      "https://sts.amazonaws.com/": { aws_account: "000000000000", org_id: "o-klmnopqrst" },
    },
  };
}

export function tokenOf(header: string, claims: string, algorithm = "ES384", key = "shop_ec"): string {
  const message = `${encode(header)}.${encode(claims)}`;
  return `${message}.${encode(signature(algorithm, key, message))}`;
}

/** A good token of `shop` with what is changed in its claims. */
export function token(changes: Json = {}, at = NOW): string {
  const { header, claims } = good(at);
  return tokenOf(JSON.stringify(header), JSON.stringify(merged(claims, changes)));
}

/** What aws4 makes of the request that a proof stands for. */
function signedByAws4(region: string, audience: string, date: string, credentials: Json): string {
  const headers: Json = {
    Accept: "application/xml",
    "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
    Host: `sts.${region}.amazonaws.com`,
    "X-Amz-Date": date,
    "x-xacct-audience": audience,
  };
  const request = {
    method: "POST",
    path: "/",
    headers,
    body: "Action=GetCallerIdentity&Version=2011-06-15",
    service: "sts",
    region,
    // Else it signs the length, too.
    extraHeadersToIgnore: { "content-length": true },
  } as aws4.Request;
  const { Authorization } = aws4.sign(request, credentials).headers as Record<string, string>;
  return (Authorization as string).split("Signature=")[1] as string;
}

/** The values of a good proof of `shop`, signed by aws4. */
export function proofValues(audience = AUDIENCE, at = NOW, region = "ap-northeast-1"): Record<string, string> {
  const date = amzDate(at);
  const { accessKeyId: key, sessionToken: token } = CREDENTIALS;
  return { region, key, date, token, signature: signedByAws4(region, audience, date, CREDENTIALS) };
}

export const proofOf = (values: object): string => `xacct1.${encode(JSON.stringify(values))}`;

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/** STS: it knows one session, and judges by aws4. */
export function sts(url: string, headers: Headers, host = new URL(url).host): Response {
  const region = host.split(".")[1] as string;
  const date = headers.get("x-amz-date") as string;
  const audience = headers.get("x-xacct-audience") as string;
  const { accessKeyId, sessionToken } = CREDENTIALS;
  const names = "accept;content-type;host;x-amz-date;x-amz-security-token;x-xacct-audience";
  const wanted =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${date.slice(0, 8)}/${region}/sts/aws4_request, ` +
    `SignedHeaders=${names}, Signature=${signedByAws4(region, audience, date, CREDENTIALS)}`;
  if (headers.get("authorization") === wanted && headers.get("x-amz-security-token") === sessionToken) {
    const arn = "arn:aws:sts::000000000000:assumed-role/LambdaRoleProd/orders";
    const identity = `<Arn>${arn}</Arn><UserId>AROAIOSFODNN7EXAMPLE:orders</UserId><Account>000000000000</Account>`;
    const result = `<GetCallerIdentityResult>${identity}</GetCallerIdentityResult>`;
    return new Response(`<GetCallerIdentityResponse xmlns="${NAMESPACE}">${result}</GetCallerIdentityResponse>`);
  }
  const error = "<Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>";
  return new Response(`<ErrorResponse xmlns="${NAMESPACE}">${error}</ErrorResponse>`, { status: 403 });
}

/** A verifier with a clock that stands, an issuer and an STS, and what they were asked. */
export interface World {
  readonly verifier: Verifier;
  readonly asked: string[];
  readonly logged: LogEntry[];
  /** Moves the clock. */
  pass(seconds: number): void;
}

export interface WorldOptions {
  readonly callers?: object;
  /** What an issuer answers; a text is a set of keys. */
  readonly keys?: (url: string) => string | Response | Promise<string | Response>;
  /** What STS answers. */
  readonly sts?: (url: string, headers: Headers) => Response | Promise<Response>;
  readonly log?: Log;
  readonly development?: boolean;
  /** The clock, in place of one that stands. */
  readonly now?: () => Date;
}

export function worldOf(options: WorldOptions = {}): World {
  const { callers = TABLE.world, keys = usualKeys, sts: answer = sts, log, development } = options;
  const asked: string[] = [];
  const logged: LogEntry[] = [];
  let now = NOW;
  const fetch: Fetch = async (input, init) => {
    const url = String(input);
    asked.push(url);
    if (init?.redirect !== "manual") throw new Error("redirects would be followed");
    if (init.method === "POST") return answer(url, new Headers(init.headers));
    const given = await keys(url);
    return typeof given === "string" ? new Response(given) : given;
  };
  const verifier = createVerifier({
    callers,
    development,
    fetch,
    now: options.now ?? (() => new Date(now)),
    log: log ?? ((entry) => logged.push(entry)),
  });
  const pass = (seconds: number) => {
    now += seconds * 1000;
  };
  return { verifier, asked, logged, pass };
}

/** The caller's name, or the code of the refusal. */
export async function outcome(check: Promise<{ name: string }>): Promise<string> {
  return check.then(
    ({ name }) => `caller ${name}`,
    (error) => {
      if (error?.name !== "RefusedError") throw error;
      return error.code;
    },
  );
}
