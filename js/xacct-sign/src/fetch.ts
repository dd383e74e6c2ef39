import { type AssumeRoleOptions, assumeRole } from "./assume-role.js";
import { isStream, sendable, UNSIGNED_PAYLOAD } from "./body.js";
import { type Credentials, type CredentialsInput, checkInput, fromEnv, resolve } from "./credentials.js";
import { guarded, requireString, XacctSignError } from "./errors.js";
import { type HeadersInput, outgoing, type Pair, pairsOf } from "./headers.js";
import type { Fetch } from "./platform.js";
import { becomesGet, MAX_REDIRECTS, redirectTarget } from "./redirect.js";
import { requestFields } from "./request.js";
import { canonicalUrl, Signer } from "./signer.js";
import { hostFetch, networkError } from "./sts.js";
import { isPrivate, origin, ready } from "./wasm.js";

/** What signs the requests: a role to assume, or credentials, or by default the environment's credentials. */
export interface CreateFetchOptions extends Omit<AssumeRoleOptions, "roleArn"> {
  /** The ARN of the role to assume; `base` assumes it. */
  readonly roleArn?: string | undefined;
  /** What signs without a role: credentials or a provider, such as one of `assumeRole` that is shared. */
  readonly credentials?: CredentialsInput | undefined;
  /** The signing name; `execute-api` (API Gateway) by default. */
  readonly service?: string | undefined;
  /** Send bodies, streams too, without signing them, where the service takes that; API Gateway does not. */
  readonly unsignedPayload?: boolean | undefined;
}

/**
 * A `fetch` that signs each request with credentials that are valid when it is sent.
 *
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

/** A request whose body is at hand, to be signed as often as it takes. */
interface Call {
  url: string;
  method: string;
  pairs: Pair[];
  body: Uint8Array | ReadableStream | undefined;
  init: RequestInit;
}

const ROLE_OPTIONS = [
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
] as const;

class Caller {
  readonly #options: CreateFetchOptions;
  readonly #credentials: (signal: AbortSignal | undefined) => Promise<Credentials>;
  #signer: Signer | undefined;
  #signerOf: Credentials | undefined;

  constructor(options: CreateFetchOptions) {
    if (typeof options !== "object" || options === null) {
      throw new XacctSignError("invalid_option", "no options are given", { hint: "give { roleArn, region }" });
    }
    this.#options = options;
    this.#credentials = credentialSource(options);
    // Checks region and service here rather than at the first request.
    this.#signerFor({ accessKeyId: "check", secretAccessKey: "check" });
  }

  async fetch(input: RequestInfo | URL, init: RequestInit | undefined): Promise<Response> {
    const call = await this.#callOf(input, init);
    if ((call.init.redirect ?? "follow") !== "follow") return this.#send(call);
    call.init.redirect = "manual";
    for (let attempt = 0; attempt <= MAX_REDIRECTS; attempt++) {
      const response = await this.#send(call);
      const target = redirectTarget(call.url, response);
      const isSpent = call.body instanceof ReadableStream && !becomesGet(response.status, call.method);
      if (target === undefined || isSpent) return response;
      response.body?.cancel().catch(() => {});
      if (becomesGet(response.status, call.method)) {
        call.method = "GET";
        call.body = undefined;
        call.pairs = call.pairs.filter(([name]) => !/^content-/i.test(name));
      }
      call.url = target;
    }
    throw new XacctSignError("too_many_redirects", `more than ${MAX_REDIRECTS} redirects`);
  }

  async #callOf(input: RequestInfo | URL, given: RequestInit | undefined): Promise<Call> {
    const request = typeof Request === "function" && input instanceof Request ? input : undefined;
    const url = canonicalUrl(request ? request.url : (input as string | URL));
    checkPrivate(url);
    const init: RequestInit = { ...(request && requestFields(request)), ...given };
    const method = requireString(init.method ?? "GET", "invalid_method", "the method").toUpperCase();
    const pairs = pairsOf((given?.headers ?? request?.headers) as unknown as HeadersInput);
    const own = given?.body;
    const body = own ?? (request?.body ? await request.clone().arrayBuffer() : undefined);
    const { bytes, contentType } = await this.#bodyOf(body);
    if (contentType !== undefined && !pairs.some(([name]) => name.toLowerCase() === "content-type")) {
      pairs.push(["content-type", contentType]);
    }
    return { url, method, pairs, body: bytes, init };
  }

  async #bodyOf(body: unknown): Promise<{ bytes: Call["body"]; contentType: string | undefined }> {
    if (body === undefined || body === null) return { bytes: undefined, contentType: undefined };
    if (this.#options.unsignedPayload === true && isStream(body)) {
      return { bytes: body as ReadableStream, contentType: undefined };
    }
    return sendable(body);
  }

  async #send(call: Call): Promise<Response> {
    const { url, method, pairs, body } = call;
    const signal = call.init.signal ?? undefined;
    const signer = this.#signerFor(await this.#credentials(signal));
    const payload = this.#options.unsignedPayload === true ? UNSIGNED_PAYLOAD : (body as Uint8Array | undefined);
    const signed = await signer.signAsync(method, url, pairs, payload, this.#options.now?.());
    const init: RequestInit = { ...call.init, method, headers: outgoing(pairs, signed) };
    delete init.body;
    if (body !== undefined) init.body = body as Uint8Array<ArrayBuffer> | ReadableStream;
    const send = hostFetch(this.#options.fetch);
    try {
      return await send(url, init);
    } catch (thrown) {
      // Who aborts gets the reason, as of any fetch.
      if (signal?.aborted) throw thrown;
      throw networkError(thrown, new URL(url).host);
    }
  }

  /** A signer for these credentials: it holds the derived key, so the last one is kept. */
  #signerFor(credentials: Credentials): Signer {
    const last = this.#signerOf;
    const isSame =
      last?.accessKeyId === credentials.accessKeyId &&
      last.secretAccessKey === credentials.secretAccessKey &&
      last.sessionToken === credentials.sessionToken;
    if (!isSame || this.#signer === undefined) {
      const { region, service } = this.#options;
      this.#signer = new Signer({ credentials, region, service });
      this.#signerOf = { ...credentials };
    }
    return this.#signer;
  }
}

function credentialSource(options: CreateFetchOptions): (signal: AbortSignal | undefined) => Promise<Credentials> {
  const { roleArn, credentials } = options;
  if (roleArn !== undefined) {
    if (credentials !== undefined) {
      throw new XacctSignError("invalid_option", "both `roleArn` and `credentials` are given", {
        hint: "give what assumes the role as `base`",
      });
    }
    const provider = assumeRole({ ...options, roleArn });
    return (signal) => provider({ signal });
  }
  for (const name of ROLE_OPTIONS) {
    if (options[name] === undefined) continue;
    const hint = "give `roleArn`, or leave it out";
    throw new XacctSignError("invalid_option", `\`${name}\` needs a role to assume`, { hint });
  }
  const source = checkInput(credentials ?? fromEnv());
  return () => resolve(source);
}

/** Refuses a URL to which a signed request must not go. */
function checkPrivate(url: string): void {
  ready();
  if (guarded(() => isPrivate(url))) return;
  throw new XacctSignError("insecure_url", `\`${origin(url)}\` would get a signed request over plain http`, {
    hint: "use https; plain http is for loopback only",
  });
}
