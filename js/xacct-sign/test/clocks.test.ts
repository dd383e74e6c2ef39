// Who shares what STS said of the time with whom. The same question: tests/tests/bad_days/clocks.rs, python/tests/test_clocks.py.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  assumeRole,
  type CredentialsInput,
  type CredentialsProvider,
  createFetch,
  type Fetch,
  fromContainer,
} from "xacct-sign";
import { identityProof, identityToken } from "xacct-sign/identity";

const keys = { accessKeyId: "ASIAEXAMPLEEXAMPLE12", secretAccessKey: "secret", sessionToken: "token" };
const region = "us-east-1";
const about = { audience: "https://api.example.com", region };
const API = "https://api.example.com/";
const arn = (name: string) => `arn:aws:iam::111111111111:role/${name}`;

/** The time that it is. */
const TRUE = Date.parse("2026-11-24T00:00:00Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** A world at the true time: an STS that says it in its `Date` and its refusals, and an API. The machine's clock is ahead by so much. */
function world(ahead: number) {
  vi.setSystemTime(TRUE + ahead * 1000);
  const dates: string[] = [];
  const hosts: string[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    const date = new Headers(init.headers).get("x-amz-date") ?? "";
    hosts.push(new URL(url).host);
    dates.push(date);
    if (Math.abs(Date.parse(date.replace(/(....)(..)(..T..)(..)/, "$1-$2-$3:$4:")) - TRUE) > 900_000) {
      const [what, than] = date > "20261124" ? ["not yet current", "is still later"] : ["expired", "is now earlier"];
      const message = `Signature ${what}: ${date} ${than} than 20261124T001500Z (20261124T000000Z + 15 min.)`;
      const error = `<Error><Code>SignatureDoesNotMatch</Code><Message>${message}</Message></Error>`;
      return new Response(`<ErrorResponse>${error}</ErrorResponse>`, { status: 403 });
    }
    const action = new URLSearchParams(String(init.body)).get("Action");
    const end = new Date(TRUE + 3_600_000).toISOString();
    const given =
      action === "AssumeRole"
        ? `<AssumedRoleUser><AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/Api/x</Arn></AssumedRoleUser>
           <Credentials><AccessKeyId>ASIAEXAMPLEEXAMPLE34</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
           <SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials>`
        : `<WebIdentityToken>a.b.c</WebIdentityToken><Expiration>${end}</Expiration>`;
    const headers = { date: new Date(TRUE).toUTCString() };
    return new Response(`<${action}Response><${action}Result>${given}</${action}Result></${action}Response>`, {
      headers,
    });
  }) as never as Fetch;
  return { dates, hosts, fetch };
}

type World = ReturnType<typeof world>;

const first = ({ fetch }: World) => assumeRole({ roleArn: arn("First"), region, base: keys, fetch });

/** What gives credentials, and whether it has a clock that STS set right. */
const SOURCES: Record<string, [isClock: boolean, of: (world: World) => CredentialsInput]> = {
  keys: [false, () => keys],
  "a callable": [
    false,
    (world) => {
      const role = first(world);
      return () => role();
    },
  ],
  "a role": [true, first],
  "a role of a role": [
    true,
    (world) => assumeRole({ roleArn: arn("Second"), region, base: first(world), fetch: world.fetch }),
  ],
};

type Options = { fetch: Fetch; now?: () => Date };

/** Who signs with them. What it sends itself, if it is no request. */
const USERS: Record<string, (base: CredentialsInput, options: Options) => Promise<unknown>> = {
  "createFetch, credentials": (credentials, options) => createFetch({ credentials, region, ...options })(API),
  "createFetch, base": (base, options) => createFetch({ roleArn: arn("Last"), region, base, ...options })(API),
  assumeRole: (base, options) => assumeRole({ roleArn: arn("Last"), region, base, ...options })(),
  identityToken: (base, options) => identityToken({ ...about, base, ...options })(),
  identityProof: (base, { fetch: _, ...options }) => identityProof({ ...about, base, ...options })(),
};

/** When a user's first signature was made, by its own account. */
async function signedAt(user: string, base: CredentialsInput, { fetch, dates }: World, options = {}) {
  const before = dates.length;
  const made = String(await USERS[user]?.(base, { fetch, ...options }));
  if (!made.startsWith("xacct1.")) return dates[before];
  return JSON.parse(Buffer.from(made.slice(7), "base64url").toString()).date;
}

test.each(
  Object.entries(SOURCES).flatMap(([source, [isClock, of]]) =>
    Object.keys(USERS).map((user) => [source, user, isClock, of] as const),
  ),
)("what STS told %s of the time, %s knows where that has a clock: %s", async (_, user, isClock, of) => {
  // Beyond the end of the credentials, too: by the machine's clock they have expired when they come.
  for (const ahead of isClock ? [600, -600, 7200, -7200] : [600, -600]) {
    const here = world(ahead);
    const base = of(here);
    if (typeof base === "function") await base();
    const at = new Date(TRUE + (isClock ? 0 : ahead * 1000)).toISOString();
    expect(await signedAt(user, base, here), String(ahead)).toBe(at.replace(/[-:]|\.\d+/g, ""));
  }
});

test.each(Object.keys(USERS))("%s with a clock of its own is told nothing by a role", async (user) => {
  const here = world(0);
  const base = assumeRole({ roleArn: arn("First"), region, base: keys, fetch: here.fetch });
  await base();
  const now = () => new Date(TRUE + 1000);
  expect(await signedAt(user, base, here, { now })).toBe("20261124T000001Z");
});

test("a container's credentials end by the clock of the role that they assume", async () => {
  const { createServer } = await import("node:http");
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = keys;
    // The first end half an hour from now.
    const Expiration = new Date(TRUE + asked * 1_800_000).toISOString();
    response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `http://127.0.0.1:${port}/`);
    // Behind: by the machine's clock the credentials have two hours more than they do.
    const here = world(-7200);
    const role = assumeRole({ roleArn: arn("Api"), region, base: fromContainer(), fetch: here.fetch });
    await role();
    vi.setSystemTime(TRUE - 7_200_000 + 1_790_000);
    await role({ forceRefresh: true });
    expect(asked).toBe(2);
  } finally {
    server.close();
  }
});

test.each([["identityToken"], ["identityProof"]])("%s says whose STS assumes a role without a region", async (user) => {
  vi.stubEnv("AWS_REGION", "");
  const here = world(0);
  const base = assumeRole({ roleArn: arn("Api"), base: keys, fetch: here.fetch });
  await signedAt(user, base, here);
  expect(here.hosts[0]).toBe("sts.us-east-1.amazonaws.com");
});

/** What cannot be made with a base, and why. */
const REFUSED: [string, string, (base: CredentialsProvider) => unknown][] = [
  ["a token", "invalid_duration", (base) => identityToken({ ...about, base, durationSeconds: 1 })],
  ["a token", "invalid_duration", (base) => identityToken({ ...about, base, durationSeconds: "300" as never })],
  ["a token", "invalid_option", (base) => identityToken({ ...about, base, algorithm: "HS256" as never })],
  ["a token", "invalid_option", (base) => identityToken({ ...about, base, audience: "a b" })],
  ["a token", "invalid_option", (base) => identityToken({ ...about, base, audience: "a b", region: "cn-north-1" })],
  ["a proof", "invalid_option", (base) => identityProof({ ...about, base, audience: "a b" })],
  ["a proof", "invalid_option", (base) => identityProof({ ...about, base, audience: "a b", region: "cn-north-1" })],
];

test.each(REFUSED)("%s that is refused for %s tells its role no region", async (_, code, make) => {
  vi.stubEnv("AWS_REGION", "");
  const here = world(0);
  const base = assumeRole({ roleArn: arn("Api"), base: keys, fetch: here.fetch });
  expect(() => make(base)).toThrow(expect.objectContaining({ code }));
  await createFetch({ credentials: base, region: "eu-west-1", fetch: here.fetch })(API);
  expect(here.hosts[0]).toBe("sts.eu-west-1.amazonaws.com");
});
