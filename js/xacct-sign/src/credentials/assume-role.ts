import { OPTION } from "../../wasm/constants.js";
import { XacctSignError } from "../errors.js";
import { tell } from "../events.js";
import { untilAborted } from "../host/abort.js";
import { type Clock, type Now, stopwatch } from "../host/clock.js";
import type { Deadline } from "../host/deadline.js";
import { environmentsRegion } from "../host/env.js";
import { HttpHosts } from "../http-hosts.js";
import { guarded } from "../module/thrown.js";
import type { WasmAssumeRole } from "../module/wasm.js";
import { checkedOptions, read, requireType } from "../options.js";
import { type Asking, answeredAt, ask, post } from "./asking.js";
import {
  type Credentials,
  type CredentialsInput,
  checkInput,
  type ProvideOptions,
  type RoleCredentials,
} from "./credentials.js";
import { Kept } from "./kept.js";
import { clockFor, type Known, keepKnown, knownOf } from "./known.js";
import { ASSUME_ROLE_OPTIONS, type AssumeRoleOptions, callOf } from "./role-options.js";
import { endpointOfKind } from "./sts-endpoint.js";
import { fromSurroundings } from "./surroundings.js";

const ACTION = "AssumeRole";

/** A role's credentials, valid whenever it is called: a credential provider of the AWS SDK v3. */
export type RoleProvider = (options?: ProvideOptions) => Promise<RoleCredentials>;

/**
 * A provider of a role's credentials. It keeps them, fetches them again before they expire, and has at most one call to
 * STS in flight. A refresh that fails early leaves the old credentials in use.
 *
 * @throws XacctSignError at once for options that cannot work, such as `invalid_role_arn` or `partition_mismatch`. The
 *   provider rejects with `credentials_not_found`, `credentials_expired`, an `sts_...` code, `transport` or `timeout`
 */
export function assumeRole(options: AssumeRoleOptions): RoleProvider {
  return roleProvider(options, undefined, undefined);
}

/** As `assumeRole`, with a clock and allowed hosts that somebody else has too. */
export function roleProvider(
  options: AssumeRoleOptions,
  clock: Clock | undefined,
  hosts: HttpHosts | undefined,
): RoleProvider {
  const role = new Role(options, clock, hosts);
  const provider: RoleProvider = async (ask) =>
    untilAborted(() => role.credentials(read(ask, "forceRefresh") === true), read(ask, "signal"));
  keepKnown(provider, role);
  return provider;
}

class Role implements Known {
  readonly clock: Clock;
  /** The region that was given. */
  readonly region: string | undefined;
  readonly #kept: Kept<RoleCredentials>;
  /** Whose STS is called, once that is known. */
  #stsRegion: string | undefined;
  readonly #call: WasmAssumeRole;
  readonly #isNamed: boolean;
  readonly #isPlainHttp: boolean;
  readonly #options: AssumeRoleOptions;
  readonly #base: CredentialsInput;
  readonly #asking: Asking;

  constructor(given: AssumeRoleOptions, clock: Clock | undefined, hosts: HttpHosts | undefined) {
    const options = checkedOptions(given, ASSUME_ROLE_OPTIONS, "{ roleArn, region }");
    for (const name of ["fetch", "now", "onEvent"] as const) requireType(options[name], "function", name);
    this.#options = options;
    const { call, isNamed, isPlainHttp } = callOf(
      options,
      hosts ?? new HttpHosts(options.allowHttpHosts, options.onEvent),
    );
    this.#call = call;
    this.#isNamed = isNamed;
    this.#isPlainHttp = isPlainHttp;
    this.clock = clock ?? clockFor(options.base, options.now);
    const now: Now = (given) => this.clock.nowFor(given);
    const base = options.base === undefined ? fromSurroundings(now) : checkInput(options.base);
    this.#base = base;
    const { fetch, onEvent } = options;
    this.#asking = { action: ACTION, base, clock: this.clock, now, fetch, onEvent };
    this.#kept = new Kept((isEarly) => this.#fetched(isEarly), now);
    this.region = options.region;
    if (options.region !== undefined) this.learnRegion(options.region);
  }

  async credentials(forceRefresh: boolean): Promise<RoleCredentials> {
    if (this.#stsRegion === undefined) this.learnRegion(knownRegion());
    return this.#kept.current(forceRefresh);
  }

  /**
   * Calls STS in the region of the first API, unless one was given.
   *
   * @throws XacctSignError if the role cannot be assumed there
   */
  learnRegion(region: string): void {
    if (this.#stsRegion !== undefined) return;
    this.#call.set(OPTION.region, region);
    const endpoint = this.#isNamed ? undefined : endpointOfKind(region);
    if (endpoint !== undefined) this.#call.set(OPTION.stsEndpoint, endpoint);
    guarded(() => this.#call.check());
    // A role that assumes this one, and has no region either, is assumed there too.
    knownOf(this.#base)?.learnRegion?.(region);
    this.#stsRegion = region;
  }

  async #fetched(isEarly: boolean): Promise<RoleCredentials> {
    const { roleArn, onEvent } = this.#options;
    const about = { action: ACTION, roleArn } as const;
    const elapsed = stopwatch();
    try {
      const fetched = await ask(this.#asking, (...given) => this.#askOnce(...given));
      const expiration = new Date(fetched.expiration);
      tell(onEvent, { type: "refreshed", ...about, expiration, elapsedSeconds: elapsed() });
      return fetched;
    } catch (error) {
      const { code, message } = error as XacctSignError;
      tell(onEvent, { type: "refresh_failed", ...about, isEarly, code, message, elapsedSeconds: elapsed() });
      throw error;
    }
  }

  /** Throws what the module throws. */
  async #askOnce(base: Credentials, known: number, deadline: Deadline): Promise<RoleCredentials> {
    const { accessKeyId, secretAccessKey, sessionToken } = base;
    const request = this.#call.request(accessKeyId, secretAccessKey, sessionToken, this.clock.now(known));
    const place = { region: this.#stsRegion, isPlainHttp: this.#isPlainHttp };
    const { status, text } = await post(this.#asking, known, request, place, deadline);
    const now = answeredAt(this.clock);
    return credentialsOf(this.#call.readResponse(secretAccessKey, sessionToken, status, text, now));
  }
}

function knownRegion(): string {
  const region = environmentsRegion();
  if (region !== undefined) return region;
  throw new XacctSignError("invalid_region", "no region is given whose STS the role is assumed at", {
    hint: "give the API's region, such as `ap-northeast-1`, or set AWS_REGION",
  });
}

/** The credentials from the module's lines. */
function credentialsOf(lines: string): RoleCredentials {
  const [accessKeyId, secretAccessKey, sessionToken, milliseconds] = lines.split("\n") as [
    string,
    string,
    string,
    string,
  ];
  return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(Number(milliseconds)) };
}
