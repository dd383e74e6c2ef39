import { bytesOf, type SignableBody, sendable, UNSIGNED_PAYLOAD } from "./body.js";
import { type Credentials, checked } from "./credentials.js";
import { guarded, requireString, XacctSignError } from "./errors.js";
import { hostHash, hostHashAsync, SMALL_BODY } from "./hash.js";
import { type HeadersInput, joined, outgoing, type Pair, pairsOf } from "./headers.js";
import type { HostRequest } from "./platform.js";
import { requestFields } from "./request.js";
import { canonicalUrl as canonicalUrlOf, ready, WasmSigner } from "./wasm.js";

const UNSIGNED = "UNSIGNED-PAYLOAD";

/** What signs. */
export interface SignerOptions {
  readonly credentials: Credentials;
  /** The API's region, such as `ap-northeast-1`. */
  readonly region: string;
  /** The signing name; `execute-api` (API Gateway) by default. */
  readonly service?: string | undefined;
}

/** What of a request is signed beside method and URL. */
export interface SignOptions {
  readonly headers?: HeadersInput | null | undefined;
  /** Text (as UTF-8), bytes, or `UNSIGNED_PAYLOAD`; none by default. */
  readonly body?: SignableBody;
  /** The time of signing; the present by default. */
  readonly now?: Date | undefined;
}

/** What of a request is signed in a URL. */
export interface PresignOptions extends SignOptions {
  /** How long the URL is valid, in seconds: 1 to 604800, 900 by default. */
  readonly expiresIn?: number | undefined;
}

/** Signs requests with Signature Version 4. It changes nothing it is given, and may be shared. */
export class Signer {
  readonly #native: WasmSigner;
  readonly #sessionToken: string | undefined;

  /** @throws XacctSignError `invalid_credentials`, `invalid_region`, `invalid_service`, `wasm_unavailable` */
  constructor(options: SignerOptions) {
    if (typeof options !== "object" || options === null) {
      throw new XacctSignError("invalid_option", "no options are given", { hint: "give { credentials, region }" });
    }
    if (typeof options.credentials === "function") {
      throw new XacctSignError("invalid_credentials", "the credentials are a provider, which a Signer cannot await", {
        hint: "await it and give the result, or use createFetch",
      });
    }
    const { accessKeyId, secretAccessKey, sessionToken } = checked(options.credentials);
    const region = requireString(options.region, "invalid_region", "the region");
    const service = requireString(options.service ?? "execute-api", "invalid_service", "the service");
    this.#sessionToken = sessionToken || undefined;
    ready();
    this.#native = guarded(() => new WasmSigner(accessKeyId, secretAccessKey, sessionToken, region, service));
  }

  /**
   * The headers to add to the request, by their names in lower case. The URL must be sent as it is given here;
   * `canonicalUrl` gives the form that clients leave alone.
   *
   * @throws XacctSignError `invalid_url`, `invalid_method`, `invalid_header`, `invalid_body`, `invalid_time`,
   *   `unsigned_payload`
   */
  sign(method: string, url: string | { readonly href: string }, options?: SignOptions): Record<string, string> {
    return this.#sign(method, url, pairsOf(options?.headers), options?.body, undefined, options?.now);
  }

  /**
   * The URL with the signature in its query.
   *
   * @throws XacctSignError as `sign`, and `invalid_expires_in`
   */
  presign(method: string, url: string | { readonly href: string }, options?: PresignOptions): string {
    const verb = requireString(method, "invalid_method", "the method");
    const target = textOf(url);
    const headers = joined(pairsOf(options?.headers));
    const body = options?.body;
    const hash = body === UNSIGNED_PAYLOAD ? UNSIGNED : hashOf(bytesOf(body));
    const expiresIn = options?.expiresIn ?? 900;
    if (typeof expiresIn !== "number") {
      throw new XacctSignError("invalid_expires_in", "`expiresIn` is no number", { hint: "give 1 to 604800 seconds" });
    }
    const now = timeOf(options?.now);
    return guarded(() => this.#native.presign(verb, target, headers, hash, expiresIn, now));
  }

  /**
   * A new request with the headers that sign it, and the URL in its canonical form.
   *
   * @throws XacctSignError as `sign`
   */
  async signRequest(request: HostRequest): Promise<HostRequest> {
    const given = request as Request;
    const url = canonicalUrl(given.url);
    const bytes = given.body ? (await sendable(await given.clone().arrayBuffer())).bytes : undefined;
    const pairs = pairsOf(given.headers as unknown as HeadersInput);
    const headers = outgoing(pairs, await this.signAsync(given.method, url, pairs, bytes, undefined));
    const init: RequestInit = { ...requestFields(given), headers };
    if (bytes !== undefined) init.body = bytes as Uint8Array<ArrayBuffer>;
    return new Request(url, init) as HostRequest;
  }

  /** @internal As `sign`, with a large body hashed by whatever the host has. */
  async signAsync(
    method: string,
    url: string,
    pairs: readonly Pair[],
    body: Uint8Array | typeof UNSIGNED_PAYLOAD | undefined,
    now: Date | undefined,
  ): Promise<Record<string, string>> {
    const isLarge = typeof body === "object" && body.length > SMALL_BODY;
    return this.#sign(method, url, pairs, body, isLarge ? await hostHashAsync(body) : undefined, now);
  }

  #sign(
    method: string,
    url: string | { readonly href: string },
    pairs: readonly Pair[],
    body: SignableBody,
    hash: string | undefined,
    at: Date | undefined,
  ): Record<string, string> {
    const verb = requireString(method, "invalid_method", "the method");
    const target = textOf(url);
    const now = timeOf(at);
    let signed: string;
    try {
      if (body === UNSIGNED_PAYLOAD) {
        signed = this.#native.signHashed(verb, target, joined(pairs), UNSIGNED, now);
      } else {
        const bytes = bytesOf(body);
        const digest = hash ?? (bytes.length > SMALL_BODY ? hostHash(bytes) : undefined);
        signed =
          digest === undefined
            ? this.#native.sign(verb, target, joined(pairs), bytes, now)
            : this.#native.signHashed(verb, target, joined(pairs), digest, now);
      }
    } catch (thrown) {
      return guarded(() => {
        throw thrown;
      });
    }
    return this.#headersOf(signed);
  }

  #headersOf(signed: string): Record<string, string> {
    const [authorization, date, hash] = signed.split("\n") as [string, string, string?];
    const headers: Record<string, string> = { authorization, "x-amz-date": date };
    if (this.#sessionToken !== undefined) headers["x-amz-security-token"] = this.#sessionToken;
    if (hash !== undefined) headers["x-amz-content-sha256"] = hash;
    return headers;
  }
}

/**
 * The URL in the form that is signed, and that HTTP clients send unchanged.
 *
 * @throws XacctSignError `invalid_url`
 */
export function canonicalUrl(url: string | { readonly href: string }): string {
  const text = textOf(url);
  ready();
  return guarded(() => canonicalUrlOf(text));
}

function textOf(url: string | { readonly href: string }): string {
  return requireString(typeof url === "string" ? url : url?.href, "invalid_url", "the URL");
}

function timeOf(now: Date | undefined): number {
  if (now === undefined) return Date.now();
  if (Object.prototype.toString.call(now) === "[object Date]" && !Number.isNaN(now.getTime())) return now.getTime();
  throw new XacctSignError("invalid_time", "`now` is no valid Date", { hint: "give a Date, or leave it out" });
}

let hasher: WasmSigner | undefined;

/** A body's SHA-256 in hexadecimal. */
function hashOf(bytes: Uint8Array): string {
  const hash = hostHash(bytes);
  if (hash !== undefined) return hash;
  // S3's signatures bring the body's hash along: the last line.
  hasher ??= new WasmSigner("hash", "hash", undefined, "us-east-1", "s3");
  const signed = hasher.sign("PUT", "https://localhost/", "", bytes, Date.now());
  return signed.slice(signed.lastIndexOf("\n") + 1);
}
