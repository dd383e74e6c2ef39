import { TOLERATED_SKEW_SECONDS } from "../../wasm/constants.js";
import type { Credentials } from "../credentials/credentials.js";
import type { XacctSignError } from "../errors.js";
import { type OnEvent, tell } from "../events.js";
import type { Clock } from "../host/clock.js";
import type { Deadline } from "../host/deadline.js";
import type { Fetch } from "../host/platform.js";
import { hostFetch, send } from "../host/transport.js";
import { UNSIGNED_PAYLOAD } from "../signing/body.js";
import { signedHeaders } from "../signing/headers.js";
import type { Signing, Valid } from "../signing/signing.js";
import { type Call, isSpent } from "./request.js";
import { keepSent } from "./sent.js";

/** What of the options matters here. */
interface Options {
  readonly fetch?: Fetch | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly unsignedPayload?: boolean | undefined;
}

/** An answer that says that the signature was wrong, and what it says of the clock. */
interface Refused {
  readonly response: Response;
  readonly known: number;
  readonly skew: number;
  readonly isNews: boolean;
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
    let refused: Refused | undefined;
    for (;;) {
      const { url, method, pairs, body, hash, init } = this.#call;
      let valid: Valid;
      try {
        valid = await this.#deadline.wait("credentials", () => this.#signing.valid(url));
      } catch (error) {
        if (!refused?.skew || (error as XacctSignError).code !== "credentials_expired") throw error;
        // They are of no use if its `Date` is right, and that may be somebody else's mistake, such as a cache's: it must not keep
        // everything from being sent from now on.
        this.#clock.learn(refused.known + refused.skew, -refused.skew);
        return refused.response;
      }
      if (refused !== undefined) {
        dropBody(refused.response);
        if (refused.isNews) tell(this.#options.onEvent, { type: "clock_skew", skewSeconds: this.#clock.skewSeconds });
        refused = undefined;
      }
      const { signer, credentials } = valid;
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
        refused = this.#asRefused(response, credentials, known);
        if (refused === undefined) return response;
      } catch (error) {
        if (!this.#mayRepeat(error)) throw error;
      }
    }
  }

  /** Holds the answer's body to the time that is left. */
  watch(response: Response): void {
    this.#deadline.watch(response, new URL(this.#call.url).host);
  }

  /** The answer, if another signature may have another one. */
  #asRefused(response: Response, credentials: Credentials, known: number): Refused | undefined {
    if (response.status !== 403 || this.#wasRefused || isSpent(this.#call)) return undefined;
    const now = this.#clock.now(known);
    const skew = skewOf(response, now);
    const hasExpired = credentials.expiration !== undefined && credentials.expiration.getTime() <= now;
    if (skew === 0 && !hasExpired) return undefined;
    this.#wasRefused = true;
    return { response, known, skew, isNews: skew !== 0 && this.#clock.learn(known, skew) };
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
