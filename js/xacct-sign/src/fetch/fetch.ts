import { CLIENT_HEADERS, HINT, HTTP_HEADERS, MAX_REDIRECTS, TIMEOUT_SECONDS } from "../../wasm/constants.js";
import { roleProvider } from "../credentials/assume-role.js";
import { type CredentialsInput, checkInput, resolve } from "../credentials/credentials.js";
import { clockFor, knownOf } from "../credentials/known.js";
import { ASSUME_ROLE_OPTIONS, type AssumeRoleOptions } from "../credentials/role-options.js";
import { type ErrorCode, XacctSignError } from "../errors.js";
import { tell } from "../events.js";
import { Clock, stopwatch } from "../host/clock.js";
import { Deadline } from "../host/deadline.js";
import type { Fetch } from "../host/platform.js";
import { HttpHosts } from "../http-hosts.js";
import { checkedOptions, requireType } from "../options.js";
import { isOfFetch } from "../signing/headers.js";
import { partialScopeOf } from "../signing/scope.js";
import { Signing, type Source } from "../signing/signing.js";
import { sendableUrl } from "../url.js";
import { BaseUrl } from "./base-url.js";
import { becomesGet, isRedirect, redirectTarget } from "./redirect.js";
import { type Call, callOf, isSpent } from "./request.js";
import { dropBody, type Said, Sending } from "./sending.js";

/** What signs the requests: a role to assume, or credentials; or what says who calls. One of them has to be given. */
export interface CreateFetchOptions extends Omit<AssumeRoleOptions, "roleArn"> {
  /** The ARN of the role to assume; `base` assumes it. */
  readonly roleArn?: string;
  /** What signs without a role: credentials or a provider, such as one of `assumeRole` that is shared, or `fromEnv()`. */
  readonly credentials?: CredentialsInput | undefined;
  /**
   * What paths are appended to, such as `https://api.example.com/v1`; a URL outside its origin is refused. Without it each URL is a
   * whole one.
   */
  readonly baseUrl?: string | { readonly href: string } | undefined;
  /**
   * What says who calls, in place of a signature, to a server that has no API Gateway in front: `identityToken` or `identityProof` of
   * `xacct-sign/identity`. It goes where a signature goes.
   */
  readonly identity?: (() => Promise<string>) | undefined;
  /** The header that it stands in, as `Bearer ...`: `authorization` by default. */
  readonly identityHeader?: string | undefined;
  /** The signing name. By default the URL's host says it, if it is one of AWS's; else it is `execute-api` (API Gateway). */
  readonly service?: string | undefined;
  /** Send bodies, streams too, without signing them, where the service takes that; API Gateway does not. */
  readonly unsignedPayload?: boolean | undefined;
}

/**
 * A `fetch` that signs each request with credentials that are valid when it is sent.
 *
 * - Region and service are those of the URL's host, where it is one of AWS's; what is given otherwise is refused
 *   (`scope_mismatch`). On any other host the region is the one given, else that of the role, else `AWS_REGION`.
 * - The URL goes out in the canonical form that was signed (`canonicalUrl`), over https or to loopback.
 * - A redirect within the origin is followed, up to ten times, signed anew; any other comes back as the answer.
 * - Whatever `init` says besides (`signal`, `redirect`, `cache`, ...) is passed on. An abort rejects with its reason.
 *
 * @throws XacctSignError at once for options that cannot work. The `fetch` rejects with that error too: bad input before
 *   anything is sent, the codes of `assumeRole`, `insecure_url`, `transport`, `too_many_redirects`
 */
export function createFetch(options: CreateFetchOptions): Fetch {
  const caller = new Caller(options);
  const signed = (input: RequestInfo | URL, init?: RequestInit) => caller.fetch(input, init);
  return signed as unknown as Fetch;
}

const FETCH_OPTIONS = [
  ...ASSUME_ROLE_OPTIONS,
  "credentials",
  "identity",
  "identityHeader",
  "baseUrl",
  "service",
  "unsignedPayload",
] as const;

/** Those that go with an identity. */
const IDENTITY_OPTIONS = ["identity", "identityHeader", "baseUrl", "fetch", "now", "onEvent", "allowHttpHosts"];

/** Those that make no sense without a role. */
const ROLE_OPTIONS = ASSUME_ROLE_OPTIONS.filter(
  (name) => !["roleArn", "region", "fetch", "now", "onEvent", "allowHttpHosts"].includes(name),
);

class Caller {
  readonly #options: CreateFetchOptions;
  readonly #clock: Clock;
  readonly #authority: Signing | Said;
  readonly #hosts: HttpHosts;
  readonly #base: BaseUrl | undefined;

  constructor(given: CreateFetchOptions) {
    const options = checkedOptions(given, FETCH_OPTIONS, "{ roleArn, region }");
    requireType(options.unsignedPayload, "boolean", "unsignedPayload");
    for (const name of ["fetch", "now", "onEvent"] as const) requireType(options[name], "function", name);
    this.#options = options;
    this.#hosts = new HttpHosts(options.allowHttpHosts, options.onEvent);
    this.#base = options.baseUrl === undefined ? undefined : new BaseUrl(options.baseUrl, this.#hosts);
    if (isGiven(options.identity)) {
      this.#clock = new Clock(options.now);
      this.#authority = saidBy(options);
      return;
    }
    if (options.identityHeader !== undefined) {
      throw new XacctSignError("invalid_option", "`identityHeader` needs an identity", { hint: "give `identity`" });
    }
    const scope = partialScopeOf(options);
    // What STS says of the time holds for the API, too.
    this.#clock = clockFor(options.credentials ?? options.base, options.now);
    this.#authority = new Signing(credentialSource(options, this.#clock, this.#hosts), scope);
  }

  async fetch(input: RequestInfo | URL, init: RequestInit | undefined): Promise<Response> {
    const place = (url: string | { readonly href: string }) =>
      this.#base === undefined ? sendableUrl(url, this.#hosts) : this.#base.resolve(url);
    const isUnsigned = this.#options.unsignedPayload === true || !(this.#authority instanceof Signing);
    const call = await callOf(input, init, isUnsigned, place);
    const { method } = call;
    const elapsed = stopwatch();
    const told = (outcome: { status?: number; code?: ErrorCode }) => {
      const about = { type: "request", method, url: call.url.replace(/\?.*/, "") } as const;
      tell(this.#options.onEvent, { ...about, ...outcome, elapsedSeconds: elapsed() });
    };
    try {
      const response = await this.#answer(call);
      told({ status: response.status });
      return response;
    } catch (error) {
      told(error instanceof XacctSignError ? { code: error.code } : {});
      throw error;
    }
  }

  async #answer(call: Call): Promise<Response> {
    const { redirect = "follow", signal } = call.init;
    call.init.redirect = "manual";
    const deadline = new Deadline(TIMEOUT_SECONDS, signal);
    const sending = new Sending(call, deadline, this.#authority, this.#clock, this.#options);
    const response = await (redirect === "follow" ? followed(call, sending, this.#hosts) : sending.answer());
    if (redirect === "error" && isRedirect(response)) {
      throw new XacctSignError("too_many_redirects", 'the answer is a redirect, and `redirect` is "error"', {
        hint: HINT.too_many_redirects,
      });
    }
    sending.watch(response);
    return response;
  }
}

/** The answer behind the redirects within the origin. */
async function followed(call: Call, sending: Sending, hosts: HttpHosts): Promise<Response> {
  for (let attempt = 0; attempt <= MAX_REDIRECTS; attempt++) {
    const response = await sending.answer();
    const target = redirectTarget(call.url, response, hosts);
    const isGet = becomesGet(response.status, call.method);
    if (target === undefined || (isSpent(call) && !isGet)) return response;
    dropBody(response);
    if (isGet) {
      call.method = "GET";
      call.body = undefined;
      call.hash = undefined;
      call.pairs = call.pairs.filter(([name]) => !/^content-(encoding|language|location|length|type)$/.test(name));
    }
    call.url = target;
  }
  throw new XacctSignError("too_many_redirects", `more than ${MAX_REDIRECTS} redirects`, {
    hint: HINT.too_many_redirects,
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** What says who calls. */
function saidBy(options: CreateFetchOptions): Said {
  for (const name of FETCH_OPTIONS) {
    if (!(name in options) || IDENTITY_OPTIONS.includes(name)) continue;
    throw new XacctSignError("invalid_option", `both \`${name}\` and \`identity\` are given`, {
      hint: `with an identity nothing is signed: leave \`${name}\` out`,
    });
  }
  const { identity, identityHeader = "authorization" } = options;
  requireType(identity, "function", "identity");
  if (typeof identityHeader !== "string" || !/^[\w-]+$/.test(identityHeader)) {
    throw new XacctSignError("invalid_header", "`identityHeader` is no name of letters, digits and hyphens", {
      hint: "leave it out for `authorization`",
    });
  }
  const header = identityHeader.toLowerCase();
  const isKept = HTTP_HEADERS.includes(header) || CLIENT_HEADERS.includes(header) || isOfFetch(header);
  // A proxy reads what begins so, and passes none of it on.
  if (isKept || header.startsWith("proxy-")) {
    throw new XacctSignError(
      "invalid_header",
      `\`identityHeader\` is \`${header}\`, which HTTP clients and proxies keep for themselves`,
      {
        hint: "leave it out for `authorization`",
      },
    );
  }
  return { header, bearer: identity as () => Promise<string> };
}

function credentialSource(options: CreateFetchOptions, clock: Clock, hosts: HttpHosts): Source {
  const { credentials, ...rest } = options;
  // A role that is asked for and undefined, as an unset variable is, must not end in signing as somebody else.
  if ("roleArn" in options ? !isGiven(options.roleArn) : !isGiven(credentials)) {
    // One who wanted to say who calls gave neither.
    const hint =
      "identity" in options && !("roleArn" in options)
        ? "`identity` is not given either: give what `identityToken` or `identityProof` of `xacct-sign/identity` returns"
        : HINT.role_not_given;
    throw new XacctSignError("role_not_given", "no role to assume is given", { hint });
  }
  if ("roleArn" in options) {
    if (isGiven(credentials)) {
      throw new XacctSignError("invalid_option", "both `roleArn` and `credentials` are given", {
        hint: "give what assumes the role as `base`",
      });
    }
    const { identity: _, identityHeader: __, baseUrl: ___, service: ____, unsignedPayload: _____, ...role } = rest;
    const provider = roleProvider(role as AssumeRoleOptions, clock, hosts);
    return sourceOf(provider, () => provider());
  }
  for (const name of ROLE_OPTIONS) {
    if (options[name as keyof CreateFetchOptions] === undefined) continue;
    const hint = "give `roleArn`, or leave it out";
    throw new XacctSignError("invalid_option", `\`${name}\` needs a role to assume`, { hint });
  }
  const source = checkInput(credentials as CredentialsInput);
  return sourceOf(source, () => resolve(source, (given) => clock.nowFor(given)));
}

function sourceOf(from: unknown, credentials: Source["credentials"]): Source {
  const known = knownOf(from);
  return { credentials, region: known?.region, learnRegion: (region) => known?.learnRegion?.(region) };
}
