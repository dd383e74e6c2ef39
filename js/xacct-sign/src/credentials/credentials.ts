import { messageOf, XacctSignError } from "../errors.js";
import type { Now } from "../host/clock.js";
import { env } from "../host/env.js";
import type { HostAbortSignal } from "../host/platform.js";
import { read } from "../options.js";

/** A key pair with its token: the AWS SDK's shape. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end, if they do. */
  readonly expiration?: Date | undefined;
}

/** A role's credentials, which always have a token and an end. */
export interface RoleCredentials extends Credentials {
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** How credentials are asked for. */
export interface ProvideOptions {
  /** Ask STS even if there are valid credentials. */
  readonly forceRefresh?: boolean | undefined;
  /** Ends the waiting; who else waits for the same call goes on. */
  readonly signal?: HostAbortSignal | undefined;
}

/** A credential provider in the shape of the AWS SDK v3. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK's providers take options of many shapes
export type CredentialsProvider = (options?: any) => Promise<Credentials>;

/** Credentials, or what provides them. */
export type CredentialsInput = Credentials | CredentialsProvider;

/**
 * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and `AWS_CREDENTIAL_EXPIRATION`, read again at each call: what
 * a Lambda function has.
 *
 * The provider rejects with `credentials_not_found` where they are not set, `invalid_credentials` for an end that is none and for
 * temporary ones without their token.
 */
export function fromEnv(): () => Promise<Credentials> {
  return async () => {
    const keys = { accessKeyId: needed("AWS_ACCESS_KEY_ID"), secretAccessKey: needed("AWS_SECRET_ACCESS_KEY") };
    const [sessionToken, end] = [env("AWS_SESSION_TOKEN"), env("AWS_CREDENTIAL_EXPIRATION")];
    const token = sessionToken === undefined ? {} : { sessionToken };
    if (sessionToken === undefined && keys.accessKeyId.startsWith("ASIA")) {
      const what = "an access key id that begins with ASIA is of temporary credentials, whose session token is missing";
      throw new XacctSignError("invalid_credentials", what, {
        hint: "set AWS_SESSION_TOKEN, too: the three belong together",
      });
    }
    if (end === undefined) return { ...keys, ...token };
    const expiration = instantIn(end);
    if (expiration !== undefined) return { ...keys, ...token, expiration };
    const message = "the environment variable `AWS_CREDENTIAL_EXPIRATION` is no RFC 3339 instant";
    throw new XacctSignError("invalid_credentials", message, {
      hint: "remove it, or set it as `2026-01-31T12:00:00Z`",
    });
  };
}

/** An RFC 3339 instant, as AWS writes them. */
export function instantIn(text: string): Date | undefined {
  const instant = new Date(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) ? text : Number.NaN);
  return Number.isNaN(instant.getTime()) ? undefined : instant;
}

function needed(name: string): string {
  const value = env(name);
  if (value !== undefined) return value;
  throw new XacctSignError("credentials_not_found", `the environment variable \`${name}\` is not set`, {
    hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary credentials), or pass credentials",
  });
}

/**
 * The credentials as they are now.
 *
 * @throws XacctSignError `credentials_not_found`, `credentials_expired`, `invalid_credentials`
 */
export async function resolve(from: CredentialsInput, now: Now): Promise<Credentials> {
  // What ends while it is waited for was good when it was asked for.
  const asked = now();
  try {
    const credentials = checked(typeof from === "function" ? await from() : from);
    checkExpiration(credentials.expiration, Math.min(asked, now(credentials.expiration)));
    return credentials;
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    throw new XacctSignError("credentials_not_found", `the credential provider failed: ${messageOf(cause)}`, {
      cause,
      hint: "call the provider by itself to see what it lacks",
    });
  }
}

/**
 * Refuses what has expired.
 *
 * @throws XacctSignError `credentials_expired`
 */
export function checkExpiration(expiration: Date | undefined, now: number): void {
  if (expiration === undefined || !(expiration.getTime() <= now)) return;
  throw new XacctSignError("credentials_expired", "the credentials have expired", {
    hint: "give a provider, which is asked for new ones, or check the clock of this machine",
  });
}

/**
 * The value if it has the shape of credentials; their content the core checks.
 *
 * @throws XacctSignError `invalid_credentials`; `invalid_time` for an end that is no `Date`
 */
export function checked(value: unknown): Credentials {
  const given = typeof value === "object" ? (value as Partial<Record<keyof Credentials, unknown>> | null) : undefined;
  const accessKeyId = read(given, "accessKeyId");
  const secretAccessKey = read(given, "secretAccessKey");
  const sessionToken = read(given, "sessionToken");
  const expiration = read(given, "expiration");
  if (typeof accessKeyId === "string" && typeof secretAccessKey === "string") {
    const keys = { accessKeyId, secretAccessKey, expiration: endOf(expiration) };
    if (typeof sessionToken === "string") return { ...keys, sessionToken };
    if (sessionToken === undefined || sessionToken === null) return { ...keys, sessionToken: undefined };
  }
  const isCallable =
    typeof value === "function" || typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
  throw new XacctSignError("invalid_credentials", "the credentials lack a key, or hold something else than strings", {
    hint: isCallable
      ? "this is a function or a promise: give a provider itself, such as `fromNodeProviderChain()`, or what the promise gives"
      : "give { accessKeyId, secretAccessKey, sessionToken? }, or an async function that returns that",
  });
}

/** Another realm has a `Date` of its own, as Jest's tests do. */
function endOf(expiration: unknown): Date | undefined {
  if (expiration === undefined || expiration === null) return undefined;
  const isDate = Object.prototype.toString.call(expiration) === "[object Date]";
  if (isDate && !Number.isNaN(Number(expiration))) return expiration as Date;
  throw new XacctSignError("invalid_time", "the credentials' `expiration` is no valid Date", {
    hint: "give `new Date(...)` of the text or the number, or leave it out where they do not end",
  });
}

/**
 * Refuses what can be no source of credentials.
 *
 * @throws XacctSignError `invalid_credentials`
 */
export function checkInput(from: CredentialsInput): CredentialsInput {
  return typeof from === "function" ? from : checked(from);
}
