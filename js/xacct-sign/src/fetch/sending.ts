import { TOLERATED_SKEW_SECONDS } from "../../wasm/constants.js";
import type { Credentials } from "../credentials/credentials.js";
import { learned, type OnEvent } from "../events.js";
import type { Clock } from "../host/clock.js";
import type { Deadline } from "../host/deadline.js";
import type { Fetch } from "../host/platform.js";
import { hostFetch, send } from "../host/transport.js";
import { UNSIGNED_PAYLOAD } from "../signing/body.js";
import { signedHeaders } from "../signing/headers.js";
import type { Signing } from "../signing/signing.js";
import { type Call, isSpent } from "./request.js";
import { keepSent } from "./sent.js";

/** What of the options matters here. */
interface Options {
  readonly fetch?: Fetch | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly unsignedPayload?: boolean | undefined;
}

/** One call on its way, through redirects and whatever is sent once more. */
export class Sending {
  readonly #call: Call;
  readonly #deadline: Deadline;
  readonly #signing: Signing;
  readonly #clock: Clock;
  readonly #options: Options;
  #wasRefused = false;
  #wasBroken = false;

  constructor(call: Call, deadline: Deadline, signing: Signing, clock: Clock, options: Options) {
    this.#call = call;
    this.#deadline = deadline;
    this.#signing = signing;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * The answer to the call as it is now. It is signed anew and sent a second time in two cases, once each:
   *
   * - A refusal (403) whose `Date` says that the clock is off, or of credentials that have expired meanwhile: nothing was done.
   * - A connection broke before there was an answer, and the method may be repeated (RFC 9110, section 9.2.2).
   */
  async answer(): Promise<Response> {
    for (;;) {
      const { url, method, pairs, body, hash, init } = this.#call;
      const { signer, credentials } = await this.#deadline.wait("credentials", () => this.#signing.valid(url));
      const known = this.#clock.skewSeconds;
      const payload =
        this.#options.unsignedPayload === true ? UNSIGNED_PAYLOAD : (hash ?? (body as Uint8Array | undefined));
      const signed = await signer.signAsync(method, url, pairs, payload, new Date(this.#clock.now(known)));
      const request: RequestInit & { duplex?: "half" } = { ...init, method, headers: signedHeaders(pairs, signed) };
      if (body !== undefined) request.body = body;
      if (isSpent(this.#call)) request.duplex = "half";
      try {
        const response = await send(hostFetch(this.#options.fetch), url, request, this.#deadline);
        if (response.status >= 400 && response.status < 500) {
          const answeredAt = this.#clock.now(0);
          keepSent(response, { method, url, pairs, signed, payload, credentials, answeredAt });
        }
        if (!this.#mayAnswerOtherwise(response, credentials, known)) return response;
        dropBody(response);
      } catch (error) {
        if (!this.#mayRepeat(error)) throw error;
      }
    }
  }

  /** Holds the answer's body to the time that is left. */
  watch(response: Response): void {
    this.#deadline.watch(response, new URL(this.#call.url).host);
  }

  #mayAnswerOtherwise(response: Response, credentials: Credentials, known: number): boolean {
    if (response.status !== 403 || this.#wasRefused || isSpent(this.#call)) return false;
    const now = this.#clock.now(known);
    const skew = skewOf(response, now);
    const hasExpired = credentials.expiration !== undefined && credentials.expiration.getTime() <= now;
    if (skew === 0 && !hasExpired) return false;
    learned(this.#clock, known, skew, this.#options.onEvent);
    this.#wasRefused = true;
    return true;
  }

  #mayRepeat(error: unknown): boolean {
    const isIdempotent = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].includes(this.#call.method);
    if (this.#wasBroken || !isIdempotent || isSpent(this.#call) || !wasBroken(error)) return false;
    this.#wasBroken = true;
    return true;
  }
}

/** By how many seconds the clock that said `now` is behind, by the answer's `Date`; zero if that does no harm. */
function skewOf(response: Response, now: number): number {
  const date = Date.parse(response.headers?.get?.("date") ?? "");
  const seconds = Math.trunc((date - now) / 1000);
  return Math.abs(seconds) > TOLERATED_SKEW_SECONDS ? seconds : 0;
}

/**
 * Whether a connection broke that had been idle, as far as the runtime says so: Node's `fetch` knows what a connection had read
 * before, if it was not the system that reset it. Others say less, and browsers repeat such a request themselves.
 */
function wasBroken(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code, socket } = cause as { code?: unknown; socket?: { bytesRead?: number } };
    if (!["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(String(code))) continue;
    return socket?.bytesRead !== 0;
  }
  return false;
}

/** Lets the connection of an answer go that nobody reads. */
export function dropBody(response: Response): void {
  response.body?.cancel?.().catch(() => {});
}
