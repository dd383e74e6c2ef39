import { type Asking, answeredAt, ask, post } from "../credentials/asking.js";
import { type Credentials, type CredentialsInput, checkInput, resolve } from "../credentials/credentials.js";
import { Kept } from "../credentials/kept.js";
import { clockFor, knownOf } from "../credentials/known.js";
import { endpointOfKind, namedEndpoint, secureForm } from "../credentials/sts-endpoint.js";
import { fromSurroundings } from "../credentials/surroundings.js";
import { XacctSignError } from "../errors.js";
import { type OnEvent, tell } from "../events.js";
import { untilAborted } from "../host/abort.js";
import { type Now, stopwatch } from "../host/clock.js";
import type { Deadline } from "../host/deadline.js";
import { environmentsRegion } from "../host/env.js";
import type { Fetch, HostAbortSignal } from "../host/platform.js";
import { HttpHosts } from "../http-hosts.js";
import { guarded } from "../module/thrown.js";
import { checkedOptions, read, requireString, requireType } from "../options.js";
import { makeProof, ready, WasmToken } from "./module.js";

export { type ErrorCode, type ErrorDetails, XacctSignError } from "../errors.js";

/**
 * Gives what says to one server who calls, valid whenever it is called: what stands behind `authorization: Bearer`. `createFetch` takes
 * it as `identity`.
 */
export type Identity = (options?: { readonly signal?: HostAbortSignal | undefined }) => Promise<string>;

/** For whom a proof is, and who makes it. */
export interface IdentityProofOptions {
  /** The server's audience, as its provider wrote it, such as `https://api.example.com`. */
  readonly audience: string;
  /**
   * The region whose STS makes the token, or answers the proof: that where the program runs. By default that of a `base` that was given
   * one, as an `assumeRole` is, else `AWS_REGION` or `AWS_DEFAULT_REGION`.
   */
  readonly region?: string | undefined;
  /** Who calls: as that of `assumeRole`. */
  readonly base?: CredentialsInput | undefined;
  /** The clock; the runtime's by default. */
  readonly now?: (() => Date) | undefined;
}

/** For whom a token is, and how it is had. */
export interface IdentityTokenOptions extends IdentityProofOptions {
  /** How long it serves, in seconds: 60 to 3600, 300 by default; of credentials that end sooner one that ends with them. */
  readonly durationSeconds?: number | undefined;
  /** What signs it: `ES384` by default, `RS256` where the server takes no other. */
  readonly algorithm?: "ES384" | "RS256" | undefined;
  /** Hosts where STS may be over plain http, as those of `assumeRole`. */
  readonly allowHttpHosts?: readonly string[] | undefined;
  /** What sends the call; the runtime's `fetch` by default. */
  readonly fetch?: Fetch | undefined;
  /** Is told of tokens that are made, and of a clock that is off, for logs and metrics. */
  readonly onEvent?: OnEvent | undefined;
}

const PROOF_OPTIONS = ["audience", "region", "base", "now"] as const;
const TOKEN_OPTIONS = [...PROOF_OPTIONS, "durationSeconds", "algorithm", "allowHttpHosts", "fetch", "onEvent"] as const;
const EXAMPLE = "{ audience, region }";
const ACTION = "GetWebIdentityToken";

/** How long a proof is sent again: half of what a server takes it for. Each that a server has not seen costs it a call of STS. */
const PROOF_SECONDS = 150;

/**
 * An identity by web identity tokens: made by STS when one is needed, and again before it expires, with at most one call in flight.
 *
 * The caller's account has to be an issuer, once: `aws iam enable-outbound-web-identity-federation`; and the caller's own policy has to
 * allow `sts:GetWebIdentityToken`.
 *
 * @throws XacctSignError at once for options that cannot work. The identity rejects with `credentials_not_found`,
 *   `credentials_expired`, an `sts_...` code, `transport` or `timeout`
 */
export function identityToken(options: IdentityTokenOptions): Identity {
  const minting = new Minting(options);
  return async (ask) => untilAborted(() => minting.token(), read(ask, "signal"));
}

/**
 * An identity by proofs: a `GetCallerIdentity` that is signed here, and that the server has STS answer. Nothing is sent for it but what
 * the base credentials need, and no permission is needed.
 *
 * @throws XacctSignError at once for options that cannot work. The identity rejects with `credentials_not_found`,
 *   `credentials_expired`, and `invalid_credentials` or `invalid_option` for what no proof can hold
 */
export function identityProof(options: IdentityProofOptions): Identity {
  const proving = new Proving(options);
  return async (ask) => untilAborted(() => proving.proof(), read(ask, "signal"));
}

interface Token {
  readonly token: string;
  readonly expiration: Date;
}

class Minting {
  readonly #options: IdentityTokenOptions;
  readonly #asking: Asking;
  readonly #call: WasmToken;
  readonly #kept: Kept<Token>;
  readonly #place: { readonly region: string; readonly isPlainHttp: boolean };

  constructor(given: IdentityTokenOptions) {
    const options = checkedOptions(given, TOKEN_OPTIONS, EXAMPLE);
    for (const name of ["fetch", "now", "onEvent"] as const) requireType(options[name], "function", name);
    const { audience, region, clock, now, base } = callerOf(options);
    const duration: unknown = options.durationSeconds ?? 300;
    if (!Number.isInteger(duration)) {
      throw new XacctSignError("invalid_duration", "`durationSeconds` is no whole number", {
        hint: "use 60 to 3600 seconds",
      });
    }
    const algorithm = requireString(options.algorithm ?? "ES384", "invalid_option", "`algorithm`");
    const endpoint = namedEndpoint() ?? endpointOfKind(region);
    const secure = secureForm(endpoint, new HttpHosts(options.allowHttpHosts, options.onEvent));
    // What no number of seconds of the module's holds is refused alike.
    const seconds = Math.min(Math.max(duration as number, 0), 0xffffffff);
    ready();
    this.#call = guarded(() => new WasmToken(audience, region, secure ?? endpoint, seconds, algorithm));
    this.#place = { region, isPlainHttp: secure !== undefined };
    this.#options = { ...options, audience };
    const { fetch, onEvent } = options;
    this.#asking = { action: ACTION, base, clock, now, fetch, onEvent };
    this.#kept = new Kept((isEarly) => this.#made(isEarly), now);
    assumedIn(region, base);
  }

  async token(): Promise<string> {
    return (await this.#kept.current()).token;
  }

  async #made(isEarly: boolean): Promise<Token> {
    const { audience, onEvent } = this.#options;
    const elapsed = stopwatch();
    try {
      const made = await ask(this.#asking, (...given) => this.#askOnce(...given));
      const expiration = new Date(made.expiration);
      tell(onEvent, { type: "token_made", audience, expiration, elapsedSeconds: elapsed() });
      return made;
    } catch (error) {
      const { code, message } = error as XacctSignError;
      tell(onEvent, { type: "token_failed", audience, isEarly, code, message, elapsedSeconds: elapsed() });
      throw error;
    }
  }

  /** Throws what the module throws. */
  async #askOnce(base: Credentials, known: number, deadline: Deadline): Promise<Token> {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = base;
    const { clock } = this.#asking;
    const end = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    const request = this.#call.request(accessKeyId, secretAccessKey, sessionToken, end, clock.now(known));
    const { status, text } = await post(this.#asking, known, request, this.#place, deadline);
    const lines = this.#call.readResponse(secretAccessKey, sessionToken, status, text, answeredAt(clock));
    const [token, milliseconds] = lines.split("\n") as [string, string];
    return { token, expiration: new Date(Number(milliseconds)) };
  }
}

class Proving {
  readonly #audience: string;
  readonly #region: string;
  readonly #base: CredentialsInput;
  readonly #now: Now;
  #made: { readonly of: Credentials; readonly at: number; readonly proof: string } | undefined;

  constructor(given: IdentityProofOptions) {
    const options = checkedOptions(given, PROOF_OPTIONS, EXAMPLE);
    requireType(options.now, "function", "now");
    const { audience, region, now, base } = callerOf(options);
    ready();
    // An audience or a region that is none, or of no known partition, is refused at once.
    guarded(() => new WasmToken(audience, region, undefined, 300, "ES384"));
    this.#audience = audience;
    this.#region = region;
    this.#base = base;
    this.#now = now;
    assumedIn(region, base);
  }

  async proof(): Promise<string> {
    const of = await resolve(this.#base, this.#now);
    const now = this.#now();
    const made = this.#made;
    if (made !== undefined && isSame(made.of, of) && now >= made.at && now < made.at + PROOF_SECONDS * 1000) {
      return made.proof;
    }
    const { accessKeyId, secretAccessKey, sessionToken } = of;
    const proof = guarded(() =>
      makeProof(accessKeyId, secretAccessKey, sessionToken, this.#region, this.#audience, now),
    );
    this.#made = { of, at: now, proof };
    return proof;
  }
}

function isSame(a: Credentials, b: Credentials): boolean {
  return (
    a.accessKeyId === b.accessKeyId && a.secretAccessKey === b.secretAccessKey && a.sessionToken === b.sessionToken
  );
}

/** What both have. */
function callerOf(options: IdentityProofOptions) {
  const audience = requireString(options.audience, "invalid_option", "the audience", "give the server's audience");
  const region = requireString(
    options.region ?? knownOf(options.base)?.region ?? environmentsRegion(),
    "invalid_region",
    "the region",
    "give a region, such as `ap-northeast-1`, or set AWS_REGION",
  );
  const clock = clockFor(options.base, options.now);
  const now: Now = (given) => clock.nowFor(given);
  const base = options.base === undefined ? fromSurroundings(now) : checkInput(options.base);
  return { audience, region, clock, now, base };
}

/** A role without a region of its own is assumed there, too: which it is told by what can be made alone. */
function assumedIn(region: string, base: CredentialsInput): void {
  knownOf(base)?.learnRegion?.(region);
}
