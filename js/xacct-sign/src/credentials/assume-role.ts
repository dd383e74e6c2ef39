import { type ErrorCode, guarded, XacctSignError } from "../errors.js";
import { LATE, untilAborted, within } from "../host/abort.js";
import { defaultSessionName, env } from "../host/env.js";
import type { Fetch } from "../host/platform.js";
import { postToSts, TIMEOUT_SECONDS, timeout } from "../host/transport.js";
import { ready, WasmAssumeRole, WasmRefresh } from "../module/wasm.js";
import { checkedOptions, REGION_HINT, readClock, requireString, requireType } from "../options.js";
import { canonicalUrl, isSamePlace } from "../url.js";
import {
  type CredentialsInput,
  checkInput,
  fromEnv,
  type ProvideOptions,
  type RoleCredentials,
  resolve,
} from "./credentials.js";

/** The role, and how to assume it. */
export interface AssumeRoleOptions {
  /** The ARN of the role to assume. */
  readonly roleArn: string;
  /** The API's region, whose STS endpoint is called. */
  readonly region: string;
  /** Who assumes the role: credentials or a provider of the AWS SDK; the environment's by default. */
  readonly base?: CredentialsInput | undefined;
  /** 2 to 64 characters, shown in the other side's logs: `AWS_ROLE_SESSION_NAME`, the Lambda function's name or `xacct-sign`. */
  readonly sessionName?: string | undefined;
  /** How long the credentials live, in seconds: 900 to 43200, 3600 by default. */
  readonly durationSeconds?: number | undefined;
  /** What the role's trust policy asks for. */
  readonly externalId?: string | undefined;
  /** A session policy as JSON, which narrows what the role may do. */
  readonly policy?: string | undefined;
  /** ARNs of managed session policies. */
  readonly policyArns?: readonly string[] | undefined;
  /** Session tags. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Keys of the tags that stay through further roles. */
  readonly transitiveTagKeys?: readonly string[] | undefined;
  readonly sourceIdentity?: string | undefined;
  /** Another STS endpoint: `AWS_ENDPOINT_URL_STS`, or the region's, by default. */
  readonly stsEndpoint?: string | undefined;
  /** What sends the call; the runtime's `fetch` by default. */
  readonly fetch?: Fetch | undefined;
  /** The clock; the runtime's by default. */
  readonly now?: (() => Date) | undefined;
}

/** A role's credentials, valid whenever it is called: a credential provider of the AWS SDK v3. */
export type RoleProvider = (options?: ProvideOptions) => Promise<RoleCredentials>;

/**
 * A provider of a role's credentials. It keeps them, fetches them again before they expire, and has at most one call to
 * STS in flight. A refresh that fails early leaves the old credentials in use.
 *
 * @throws XacctSignError at once for options that cannot work, such as `invalid_role_arn` or `partition_mismatch`. The
 *   provider rejects with `credentials_not_found`, an `assume_role_...` code, `transport` or `timeout`
 */
export function assumeRole(options: AssumeRoleOptions): RoleProvider {
  const role = new Role(options);
  return async (ask) => {
    const current = await untilAborted(() => role.credentials(ask?.forceRefresh === true), ask?.signal);
    // A copy: what the caller does with it is nobody else's business.
    return { ...current, expiration: new Date(current.expiration) };
  };
}

const USE = 0;
const USE_AND_REFRESH = 1;

/** How long a caller who has valid credentials waits for the next ones. */
const GRACE_SECONDS = 1;

/** @internal Every option there is. */
export const ASSUME_ROLE_OPTIONS = [
  "roleArn",
  "region",
  "base",
  "sessionName",
  "durationSeconds",
  "externalId",
  "policy",
  "policyArns",
  "tags",
  "transitiveTagKeys",
  "sourceIdentity",
  "stsEndpoint",
  "fetch",
  "now",
] as const;

class Role {
  readonly #call: WasmAssumeRole;
  readonly #refresh: WasmRefresh;
  readonly #base: CredentialsInput;
  readonly #fetch: Fetch | undefined;
  readonly #clock: () => Date;
  #current: RoleCredentials | undefined;
  #inFlight: Promise<RoleCredentials> | undefined;

  constructor(given: AssumeRoleOptions) {
    const options = checkedOptions(given, ASSUME_ROLE_OPTIONS, "{ roleArn, region }");
    requireType(options.fetch, "function", "fetch");
    requireType(options.now, "function", "now");
    this.#call = callOf(options);
    this.#base = options.base === undefined ? fromEnv() : checkInput(options.base);
    this.#fetch = options.fetch;
    this.#clock = options.now ?? (() => new Date());
    this.#refresh = new WasmRefresh(Math.floor(Math.random() * 2 ** 32));
  }

  async credentials(forceRefresh: boolean): Promise<RoleCredentials> {
    if (forceRefresh) return this.#fetched();
    const now = this.#now();
    const step = guarded(() => this.#refresh.poll(now));
    const current = this.#current;
    if (current === undefined || (step !== USE && step !== USE_AND_REFRESH)) return this.#fetched();
    if (step === USE) return current;
    // Awaited for a while rather than left behind: a function that has answered is frozen, and its calls with it.
    return within(GRACE_SECONDS, this.#fetched()).then(
      (fetched) => (fetched === LATE ? current : fetched),
      () => current,
    );
  }

  /** The outcome of the one call in flight. */
  #fetched(): Promise<RoleCredentials> {
    this.#inFlight ??= this.#settle().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  async #settle(): Promise<RoleCredentials> {
    try {
      // The provider of the base credentials and STS's answer to its end, together.
      const fetched = await within(TIMEOUT_SECONDS, this.#ask());
      if (fetched === LATE) throw timeout("STS");
      const now = this.#now();
      if (fetched.expiration.getTime() <= now) {
        throw new XacctSignError("invalid_response", "the credentials that STS gave have expired already", {
          hint: "check the clock of this machine",
        });
      }
      guarded(() => this.#refresh.succeeded(fetched.expiration.getTime(), now));
      this.#current = fetched;
      return fetched;
    } catch (error) {
      this.#remember();
      throw error;
    }
  }

  /** That a fetch has failed, unless the clock is what failed. */
  #remember(): void {
    try {
      this.#refresh.failed(this.#now());
    } catch {
      // Without a time there is nothing to wait for.
    }
  }

  async #ask(): Promise<RoleCredentials> {
    const { accessKeyId, secretAccessKey, sessionToken } = await resolve(this.#base, this.#now());
    const now = this.#now();
    const request = guarded(() => this.#call.request(accessKeyId, secretAccessKey, sessionToken, now));
    const { status, text } = await postToSts(request, this.#fetch);
    return credentialsOf(guarded(() => this.#call.readResponse(secretAccessKey, sessionToken, status, text)));
  }

  #now(): number {
    return readClock(this.#clock);
  }
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

/** The options by the numbers that the module has for them. */
const OPTION = {
  region: 0,
  durationSeconds: 1,
  externalId: 2,
  policy: 3,
  policyArns: 4,
  tagKey: 5,
  tagValue: 6,
  transitiveTagKeys: 7,
  sourceIdentity: 8,
  stsEndpoint: 9,
} as const;

/**
 * The call as the module knows it, checked.
 *
 * @throws XacctSignError
 */
function callOf(options: AssumeRoleOptions): WasmAssumeRole {
  const roleArn = requireString(
    options.roleArn,
    "invalid_role_arn",
    "the role's ARN",
    "a role's ARN is like `arn:aws:iam::123456789012:role/Name`",
  );
  const sessionName = options.sessionName ?? defaultSessionName();
  ready();
  const call = new WasmAssumeRole(roleArn, requireString(sessionName, "invalid_session_name", "the session name"));
  const set = (option: keyof typeof OPTION, code: ErrorCode, what: string, value: unknown) => {
    if (value !== undefined && value !== null) call.set(OPTION[option], requireString(value, code, what));
  };
  const setEach = (option: keyof typeof OPTION, code: ErrorCode, what: string, values: unknown) => {
    if (values !== undefined && values !== null && !Array.isArray(values)) {
      throw new XacctSignError(code, `${what} is no array`, { hint: "give an array of strings" });
    }
    for (const value of (values as unknown[] | null | undefined) ?? [])
      set(option, code, `an item of ${what}`, value ?? 0);
  };
  call.set(OPTION.region, requireString(options.region, "invalid_region", "the region", REGION_HINT));
  const duration: unknown = options.durationSeconds;
  if (duration !== undefined && !Number.isInteger(duration)) {
    throw new XacctSignError("invalid_duration", "`durationSeconds` is no whole number", {
      hint: "use 900 to 43200 seconds; at most 3600 if your own credentials are a role's",
    });
  }
  set("durationSeconds", "invalid_duration", "the duration", duration === undefined ? undefined : String(duration));
  set("externalId", "invalid_external_id", "the external id", options.externalId);
  set("policy", "invalid_session_policy", "the session policy", options.policy);
  setEach("policyArns", "invalid_session_policy", "`policyArns`", options.policyArns);
  const tags = options.tags ?? {};
  if (typeof tags !== "object" || Symbol.iterator in tags) {
    throw new XacctSignError("invalid_tag", "`tags` is no object of keys and values", { hint: "give { key: value }" });
  }
  for (const [key, value] of Object.entries(tags)) {
    call.set(OPTION.tagKey, key);
    call.set(OPTION.tagValue, requireString(value, "invalid_tag", `the value of the tag \`${key}\``));
  }
  setEach("transitiveTagKeys", "invalid_tag", "`transitiveTagKeys`", options.transitiveTagKeys);
  set("sourceIdentity", "invalid_source_identity", "the source identity", options.sourceIdentity);
  const endpoint = options.stsEndpoint ?? env("AWS_ENDPOINT_URL_STS");
  set("stsEndpoint", "invalid_endpoint", "the STS endpoint", endpoint);
  guarded(() => call.check());
  if (typeof endpoint === "string" && !isSamePlace(canonicalUrl(endpoint))) {
    throw new XacctSignError("invalid_endpoint", `fetch would not send to \`${endpoint}\` as it was signed`, {
      hint: "give a URL such as `https://sts.ap-northeast-1.amazonaws.com`",
    });
  }
  return call;
}
