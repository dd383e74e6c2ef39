import { bytesOf, type SignableBody, sendable, UNSIGNED_PAYLOAD } from "./body.js";
import { type Credentials, checked } from "./credentials.js";
import { fromModule, guarded, requireString, XacctSignError } from "./errors.js";
import { hostHash, hostHashAsync, SMALL_BODY } from "./hash.js";
import { type HeadersInput, line, linesOf, outgoing, type Pair, pairsOf } from "./headers.js";
import type { HostRequest } from "./platform.js";
import { requestFields } from "./request.js";
import { canonicalUrl as canonicalUrlOf, ready, sha256Hex, WasmSigner } from "./wasm.js";

const UNSIGNED = "UNSIGNED-PAYLOAD";
/** Of `20150830T123600Z`. */
const DATE_LENGTH = 16;

/** What signs. */
export interface SignerOptions {
  readonly credentials: Credentials;
  /** The API's region, such as `ap-northeast-1`. */
  readonly region: string;
  /** The signing name; `execute-api` (API Gateway) by default. */
  readonly service?: string | undefined;
  /** @internal For tests: AWS's cases differ in settings that a service has once and for all. */
  readonly settings?: number | undefined;
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
    const native = guarded(() => new WasmSigner(accessKeyId, secretAccessKey, sessionToken, region, service));
    this.#native = options.settings === undefined ? native : native.withSettings(options.settings);
  }

  /**
   * The headers to add to the request, by their names in lower case. The URL must be sent as it is given here;
   * `canonicalUrl` gives the form that clients leave alone.
   *
   * @throws XacctSignError `invalid_url`, `invalid_method`, `invalid_header`, `invalid_body`, `invalid_time`,
   *   `unsigned_payload`
   */
  sign(method: string, url: string | { readonly href: string }, options?: SignOptions): Record<string, string> {
    const request = startOf(method, url) + linesOf(options?.headers);
    return this.#sign(request, options?.body, undefined, options?.now);
  }

  /**
   * The URL with the signature in its query.
   *
   * @throws XacctSignError as `sign`, and `invalid_expires_in`
   */
  presign(method: string, url: string | { readonly href: string }, options?: PresignOptions): string {
    const request = startOf(method, url) + linesOf(options?.headers);
    const body = options?.body;
    const hash = body === UNSIGNED_PAYLOAD ? UNSIGNED : hashOf(bytesOf(body));
    const expiresIn = options?.expiresIn ?? 900;
    if (typeof expiresIn !== "number") {
      throw new XacctSignError("invalid_expires_in", "`expiresIn` is no number", { hint: "give 1 to 604800 seconds" });
    }
    const now = timeOf(options?.now);
    return guarded(() => this.#native.presign(request, hash, expiresIn, now));
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
    const hash = isLarge ? await hostHashAsync(body) : undefined;
    return this.#sign(startOf(method, url) + linesOf(pairs), body, hash, now);
  }

  #sign(request: string, body: SignableBody, hash: string | undefined, at: Date | undefined): Record<string, string> {
    const now = timeOf(at);
    let signed: string;
    try {
      if (typeof body === "string" && body.length <= SMALL_BODY) {
        signed = this.#native.sign(request, body, now);
      } else if (body === UNSIGNED_PAYLOAD) {
        signed = this.#native.signHashed(request, UNSIGNED, now);
      } else {
        const bytes = bytesOf(body);
        const digest = hash ?? (bytes.length > SMALL_BODY ? hostHash(bytes) : undefined);
        signed =
          digest === undefined
            ? this.#native.signBytes(request, bytes, now)
            : this.#native.signHashed(request, digest, now);
      }
    } catch (thrown) {
      throw fromModule(thrown);
    }
    return this.#headersOf(signed);
  }

  /** The headers from the module's lines: authorization, date, and if there is one the body's hash. */
  #headersOf(signed: string): Record<string, string> {
    const dateAt = signed.indexOf("\n") + 1;
    const headers: Record<string, string> = {
      authorization: signed.slice(0, dateAt - 1),
      "x-amz-date": signed.slice(dateAt, dateAt + DATE_LENGTH),
    };
    if (this.#sessionToken !== undefined) headers["x-amz-security-token"] = this.#sessionToken;
    const hashAt = dateAt + DATE_LENGTH + 1;
    if (hashAt < signed.length) headers["x-amz-content-sha256"] = signed.slice(hashAt);
    return headers;
  }
}

/** Method and URL as the first lines of a request. */
function startOf(method: string, url: string | { readonly href: string }): string {
  return line(requireString(method, "invalid_method", "the method")) + line(textOf(url));
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

/** A body's SHA-256 in hexadecimal. */
function hashOf(bytes: Uint8Array): string {
  return hostHash(bytes) ?? sha256Hex(bytes);
}
