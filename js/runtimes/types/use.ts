// What users write, checked against the packed package's declarations in several settings (test/package.test.mjs).

import {
  type AssumeRoleOptions,
  assumeRole,
  type Credentials,
  canonicalUrl,
  createFetch,
  type ErrorCode,
  fromContainer,
  fromEnv,
  Signer,
  UNSIGNED_PAYLOAD,
  XacctSignError,
  type XacctSignEvent,
} from "xacct-sign";

const role = { roleArn: "arn:aws:iam::000000000000:role/ApiAllowByIamRoleStag", region: "ap-northeast-1" };

// The provider has the shape of the AWS SDK's: what it gives is an identity with an expiration.
const provider: (options?: { forceRefresh?: boolean }) => Promise<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}> = assumeRole({ ...role, base: fromEnv(), tags: { team: "a" }, durationSeconds: 900 });

// What the AWS SDK gives is taken as it is: an identity with more in it, or a function with options of its own.
const identity = { accessKeyId: "A", secretAccessKey: "s", accountId: "000000000000", $source: {} };
const sdk = async (_options?: { callerClientConfig?: { region(): Promise<string> } }) => identity;
assumeRole({ ...role, base: identity });
assumeRole({ ...role, base: sdk });
createFetch({ region: role.region, credentials: sdk });
// A role that another role assumes, and the container itself.
createFetch({ ...role, base: assumeRole({ ...role, base: fromContainer() }) });

function log(event: XacctSignEvent): void {
  const told: (string | number | undefined)[] = [event.type];
  if (event.type === "request") told.push(event.method, event.url, event.status, event.code);
  if (event.type === "refreshed") told.push(event.expiration.toISOString(), event.elapsedSeconds);
  if (event.type === "refresh_failed") told.push(event.code, event.message);
  if (event.type === "clock_skew") told.push(event.skewSeconds);
  // @ts-expect-error: what there is only in some has to be told apart first
  told.push(event.status);
}
createFetch({ ...role, onEvent: log });
assumeRole({ ...role, onEvent: async (event) => log(event) });

const signer = new Signer({ credentials: identity, region: role.region });
const headers: Record<string, string> = signer.sign("PUT", canonicalUrl("https://api.example.com/a b"), {
  headers: { "content-type": "text/plain", "x-missing": undefined, "x-number": 1, "x-list": ["a", "b"] },
  body: new Uint8Array([1]),
  now: new Date(),
});
const url: string = signer.presign("GET", "https://api.example.com/", { expiresIn: 60, body: UNSIGNED_PAYLOAD });

export async function use(): Promise<string | undefined> {
  const credentials: Credentials = await provider({ forceRefresh: true });
  try {
    return credentials.sessionToken ?? headers.authorization ?? url;
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    const code: ErrorCode = error.code;
    return code === "sts_denied" ? error.hint : error.requestId;
  }
}

const wrong: AssumeRoleOptions = {
  ...role,
  // @ts-expect-error: seconds are a number
  durationSeconds: "900",
};
// @ts-expect-error: a region is needed, and never guessed
new Signer({ credentials: identity });
// @ts-expect-error: a signer cannot await a provider
new Signer({ credentials: provider, region: role.region });
// @ts-expect-error: tests' own options are not in the types
new Signer({ credentials: identity, region: role.region, settings: 1 });
// @ts-expect-error: an object is no body; JSON.stringify makes one of it
signer.sign("PUT", "https://api.example.com/", { body: { foo: "bar" } });
// @ts-expect-error: no such code
export const code: ErrorCode = "no_such_code";
export { wrong };
