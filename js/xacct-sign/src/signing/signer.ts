import { HINT, UNSIGNED } from "../../wasm/constants.js";
import { type Credentials, checked } from "../credentials/credentials.js";
import { XacctSignError } from "../errors.js";
import { requestFields } from "../host/fields.js";
import { hostHash, hostHashAsync, SMALL_BODY } from "../host/hash.js";
import type { HostRequest } from "../host/platform.js";
import { fromModule, guarded } from "../module/thrown.js";
import { ready, sha256Hex, WasmSigner } from "../module/wasm.js";
import { checkedOptions, checkNames, read, requireString, timeOf } from "../options.js";
import { canonicalUrl, textOf } from "../url.js";
import { bytesIn, bytesOf, type Hashed, type SignableBody, UNSIGNED_PAYLOAD } from "./body.js";
import { type HeadersInput, line, linesOf, type Pair, sendableHeaders, signedHeaders } from "./headers.js";
import { namedScope } from "./scope.js";

/** Of `20150830T123600Z`. */
const DATE_LENGTH = 16;

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

const SIGN_OPTIONS = ["headers", "body", "now"];
const PRESIGN_OPTIONS = [...SIGN_OPTIONS, "expiresIn"];

/** Signs requests with Signature Version 4. It changes nothing it is given, and may be shared. */
export class Signer {
  readonly #native: WasmSigner;
  readonly #sessionToken: string | undefined;

  /** @throws XacctSignError `invalid_credentials`, `invalid_region`, `invalid_service`, `wasm_unavailable` */
  constructor(options: SignerOptions);
  /** @internal For tests: AWS's cases differ in settings that a service has once and for all. */
  constructor(options: SignerOptions, settings?: number);
  constructor(given: SignerOptions, settings?: number) {
    const options = checkedOptions(given, ["credentials", "region", "service"], "{ credentials, region }");
    if (typeof options.credentials === "function") {
      throw new XacctSignError("invalid_credentials", "the credentials are a provider, which a Signer cannot await", {
        hint: "await it and give the result, or use createFetch",
      });
    }
    const { accessKeyId, secretAccessKey, sessionToken } = checked(options.credentials);
    const { region, service } = namedScope(options);
    this.#sessionToken = sessionToken || undefined;
    ready();
    const native = guarded(() => new WasmSigner(accessKeyId, secretAccessKey, sessionToken, region, service));
    this.#native = settings === undefined ? native : guarded(() => native.withSettings(settings));
  }

  /**
   * The headers to add to the request, by their names in lower case. The URL must be sent as it is given here;
   * `canonicalUrl` gives the form that clients leave alone.
   *
   * @throws XacctSignError `invalid_url`, `invalid_method`, `invalid_header`, `invalid_body`, `invalid_time`,
   *   `unsigned_payload`, `already_signed`
   */
  sign(method: string, url: string | { readonly href: string }, options?: SignOptions): Record<string, string> {
    checkNames(options, SIGN_OPTIONS);
    const request = startOf(method, url) + linesOf(read(options, "headers"));
    return this.#sign(request, read(options, "body"), undefined, read(options, "now"));
  }

  /**
   * The URL with the signature in its query, in place of an earlier one.
   *
   * @throws XacctSignError as `sign`, and `invalid_expires_in`
   */
  presign(method: string, url: string | { readonly href: string }, options?: PresignOptions): string {
    checkNames(options, PRESIGN_OPTIONS);
    const request = startOf(method, url) + linesOf(read(options, "headers"));
    const body = read(options, "body");
    const hash = body === UNSIGNED_PAYLOAD ? UNSIGNED : hashOf(bytesOf(body));
    const expiresIn = read(options, "expiresIn") ?? 900;
    if (!Number.isInteger(expiresIn)) {
      throw new XacctSignError("invalid_expires_in", "`expiresIn` is no whole number", {
        hint: HINT.invalid_expires_in,
      });
    }
    const now = instantOf(read(options, "now"));
    return guarded(() => this.#native.presign(request, hash, expiresIn, now));
  }

  /**
   * A new request with the headers that sign it, and the URL in its canonical form.
   *
   * @throws XacctSignError as `sign`
   */
  async signRequest(request: HostRequest): Promise<HostRequest> {
    const given = request as Request;
    if (typeof given?.url !== "string" || typeof given.clone !== "function") {
      throw new XacctSignError("invalid_option", "what is to be signed is no Request", { hint: "give a Request" });
    }
    const url = canonicalUrl(given.url);
    const bytes = await bytesIn(given);
    const pairs: Pair[] = [];
    sendableHeaders(given.headers as unknown as HeadersInput, "drop").forEach((value, name) => {
      pairs.push([name, value]);
    });
    const headers = signedHeaders(pairs, await this.signAsync(given.method, url, pairs, bytes, undefined));
    const init: RequestInit = { ...requestFields(given), headers };
    if (bytes !== undefined) init.body = bytes;
    return new Request(url, init) as HostRequest;
  }

  /** @internal As `sign`, with a large body hashed by whatever the host has. */
  async signAsync(
    method: string,
    url: string,
    pairs: readonly Pair[],
    body: Uint8Array | Hashed | typeof UNSIGNED_PAYLOAD | undefined,
    now: Date | undefined,
  ): Promise<Record<string, string>> {
    const request = startOf(method, url) + linesOf(pairs);
    if (typeof body === "object" && "sha256" in body) return this.#sign(request, undefined, body.sha256, now);
    const isLarge = typeof body === "object" && body.length > SMALL_BODY;
    const hash = isLarge ? await hostHashAsync(body) : undefined;
    return this.#sign(request, body, hash, now);
  }

  #sign(request: string, body: SignableBody, hash: string | undefined, at: Date | undefined): Record<string, string> {
    const now = instantOf(at);
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

function instantOf(now: Date | undefined): number {
  return now === undefined ? Date.now() : timeOf(now);
}

/** A body's SHA-256 in hexadecimal. */
function hashOf(bytes: Uint8Array): string {
  return hostHash(bytes) ?? sha256Hex(bytes);
}
