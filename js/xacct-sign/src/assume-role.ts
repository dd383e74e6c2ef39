import {
  type CredentialsInput,
  checkInput,
  fromEnv,
  type ProvideOptions,
  type RoleCredentials,
  resolve,
} from "./credentials.js";
import { defaultSessionName, env } from "./env.js";
import { guarded, requireString, XacctSignError } from "./errors.js";
import type { Fetch, HostAbortSignal } from "./platform.js";
import { type Outgoing, postToSts } from "./sts.js";
import { ready, WasmAssumeRole, WasmRefresh } from "./wasm.js";

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
  return (ask) => untilAborted(() => role.credentials(ask?.forceRefresh === true), ask?.signal);
}

const USE = 0;
const USE_AND_REFRESH = 1;

class Role {
  readonly #call: WasmAssumeRole;
  readonly #refresh: WasmRefresh;
  readonly #base: CredentialsInput;
  readonly #fetch: Fetch | undefined;
  readonly #clock: () => Date;
  #current: RoleCredentials | undefined;
  #inFlight: Promise<RoleCredentials> | undefined;

  constructor(options: AssumeRoleOptions) {
    const plain = plainOptions(options);
    this.#base = checkInput(options.base ?? fromEnv());
    this.#fetch = options.fetch;
    this.#clock = options.now ?? (() => new Date());
    ready();
    this.#call = guarded(() => new WasmAssumeRole(plain));
    this.#refresh = new WasmRefresh(Math.floor(Math.random() * 2 ** 32));
  }

  async credentials(forceRefresh: boolean): Promise<RoleCredentials> {
    if (forceRefresh) return this.#fetched();
    const now = this.#now();
    const step = guarded(() => this.#refresh.poll(now));
    const current = this.#current;
    if (current === undefined || (step !== USE && step !== USE_AND_REFRESH)) return this.#fetched();
    if (step === USE) return current;
    // Awaited rather than left behind: a function that has answered is frozen, and its calls with it.
    return this.#fetched().catch(() => current);
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
      const fetched = await this.#ask();
      guarded(() => this.#refresh.succeeded(fetched.expiration.getTime(), this.#now()));
      this.#current = fetched;
      return fetched;
    } catch (error) {
      this.#refresh.failed(this.#now());
      throw error;
    }
  }

  async #ask(): Promise<RoleCredentials> {
    const { accessKeyId, secretAccessKey, sessionToken } = await resolve(this.#base);
    const now = this.#now();
    const request: Outgoing = guarded(() => this.#call.request(accessKeyId, secretAccessKey, sessionToken, now));
    const { status, text } = await postToSts(request, this.#fetch);
    const assumed = guarded(() => this.#call.readResponse(secretAccessKey, sessionToken, status, text));
    return { ...assumed, expiration: new Date(assumed.expiration) };
  }

  #now(): number {
    return this.#clock().getTime();
  }
}

/** The options as the module takes them: nothing undefined. */
function plainOptions(options: AssumeRoleOptions): Record<string, unknown> {
  if (typeof options !== "object" || options === null) {
    throw new XacctSignError("invalid_option", "no options are given", { hint: "give { roleArn, region }" });
  }
  const tags = options.tags ?? {};
  if (typeof tags !== "object") throw new XacctSignError("invalid_tag", "`tags` is no object of keys and values");
  const plain: Record<string, unknown> = {
    roleArn: requireString(options.roleArn, "invalid_role_arn", "the role's ARN"),
    region: requireString(options.region, "invalid_region", "the region"),
    sessionName: requireString(options.sessionName ?? defaultSessionName(), "invalid_session_name", "the session name"),
    durationSeconds: options.durationSeconds,
    externalId: options.externalId,
    policy: options.policy,
    policyArns: options.policyArns,
    tags: Object.entries(tags).map(([key, value]) => [key, requireString(value, "invalid_tag", `the tag \`${key}\``)]),
    transitiveTagKeys: options.transitiveTagKeys,
    sourceIdentity: options.sourceIdentity,
    stsEndpoint: options.stsEndpoint ?? env("AWS_ENDPOINT_URL_STS"),
  };
  return Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined && value !== null));
}

/** Waits, unless the signal ends that; the call itself goes on for the others. */
async function untilAborted<T>(start: () => Promise<T>, given: HostAbortSignal | undefined): Promise<T> {
  const signal = given as AbortSignal | undefined;
  if (typeof signal?.addEventListener !== "function") return start();
  if (signal.aborted) throw signal.reason;
  return new Promise<T>((fulfil, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    start()
      .then(fulfil, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
