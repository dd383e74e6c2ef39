import type { Credentials } from "../credentials/credentials.js";
import { messageOf, XacctSignError } from "../errors.js";
import { learned, type OnEvent } from "../events.js";
import { type Clock, skewOf } from "../host/clock.js";
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

/** What says who calls, in place of a signature. */
export interface Said {
  /** In lower case. */
  readonly header: string;
  readonly bearer: () => Promise<string>;
}

/** One call on its way, through redirects and whatever is sent once more. */
export class Sending {
  readonly #call: Call;
  readonly #deadline: Deadline;
  readonly #authority: Signing | Said;
  readonly #clock: Clock;
  readonly #options: Options;
  #wasRefused = false;
  #wasBroken = false;

  constructor(call: Call, deadline: Deadline, authority: Signing | Said, clock: Clock, options: Options) {
    this.#call = call;
    this.#deadline = deadline;
    this.#authority = authority;
    this.#clock = clock;
    this.#options = options;
  }

  /**
   * The answer to the call as it is now. It is signed anew and sent a second time in two cases, once each:
   *
   * - A refusal (403) whose `Date` says that the clock is off, or of credentials that have expired meanwhile. That of AWS's front says
   *   that nothing was done; an application's says no such thing, and sends only methods again that may be repeated.
   * - A connection broke before there was an answer, and the method may be repeated (RFC 9110, section 9.2.2).
   */
  async answer(): Promise<Response> {
    for (;;) {
      try {
        const response = await this.#attempt(this.#authority);
        if (response !== undefined) return response;
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        if (!this.#mayRepeat(error.cause)) throw error.cause;
      }
    }
  }

  /** One of them; nothing if its answer says to send it once more. */
  async #attempt(authority: Signing | Said): Promise<Response | undefined> {
    const { url, method, pairs, body, hash } = this.#call;
    if (!("valid" in authority)) {
      const said = await this.#deadline.wait("identity", () => saidNow(authority));
      const response = await this.#send({ [authority.header]: `Bearer ${said}` });
      keepSent(response, { method, url, bearer: said });
      return response;
    }
    const { signer, credentials } = await this.#deadline.wait("credentials", () => authority.valid(url));
    const known = this.#clock.skewAt(url);
    const payload =
      this.#options.unsignedPayload === true ? UNSIGNED_PAYLOAD : (hash ?? (body as Uint8Array | undefined));
    const signed = await signer.signAsync(method, url, pairs, payload, new Date(this.#clock.now(known)));
    const response = await this.#send(signed);
    if (response.status >= 400 && response.status < 500) {
      const answeredAt = this.#clock.now(0);
      keepSent(response, { method, url, pairs, signed, payload, credentials, answeredAt });
    }
    if (!this.#mayAnswerOtherwise(response, credentials, known)) return response;
    dropBody(response);
    return undefined;
  }

  /** @throws Broken around what kept the answer away */
  async #send(added: Readonly<Record<string, string>>): Promise<Response> {
    const { url, method, pairs, body, init } = this.#call;
    const request: RequestInit & { duplex?: "half" } = { ...init, method, headers: signedHeaders(pairs, added) };
    if (body !== undefined) request.body = body;
    if (isSpent(this.#call)) request.duplex = "half";
    try {
      return await send(hostFetch(this.#options.fetch), url, request, this.#deadline);
    } catch (cause) {
      throw new Broken("", { cause });
    }
  }

  /** Holds the answer's body to the time that is left. */
  watch(response: Response): void {
    this.#deadline.watch(response, new URL(this.#call.url).host);
  }

  #mayAnswerOtherwise(response: Response, credentials: Credentials, known: number): boolean {
    if (response.status !== 403 || this.#wasRefused) return false;
    const skew = skewOf(response, this.#clock.now(known));
    learned(this.#clock, known, skew, this.#options.onEvent, this.#call.url);
    const ends = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    if (skew === 0 && ends > this.#clock.now()) return false;
    this.#wasRefused = true;
    return !isSpent(this.#call) && (this.#isIdempotent() || isFronts(response));
  }

  /** RFC 9110, section 9.2.2. */
  #isIdempotent(): boolean {
    return ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].includes(this.#call.method);
  }

  #mayRepeat(error: unknown): boolean {
    if (this.#wasBroken || !this.#isIdempotent() || isSpent(this.#call) || !wasBroken(error)) return false;
    this.#wasBroken = true;
    return true;
  }
}

/**
 * Whether a 403 is that of AWS's front, and not of an application, as far as its head shows. REST APIs, function URLs and most services
 * name the error; an HTTP API says no more than `{"message":"Forbidden"}`, which is 23 bytes.
 */
function isFronts({ headers }: Response): boolean {
  const has = (name: string) => headers?.get?.(name) ?? undefined;
  if (has("x-amzn-errortype") !== undefined) return true;
  return has("apigw-requestid") !== undefined && has("content-length") === "23";
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

/** Around what kept an answer away, and not what kept a request from being made. */
class Broken extends Error {}

/** @throws XacctSignError `credentials_not_found` where what gives the identity fails, `invalid_option` where it gives none */
async function saidNow({ bearer }: Said): Promise<string> {
  let said: unknown;
  try {
    said = await bearer();
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    throw new XacctSignError("credentials_not_found", `the identity failed: ${messageOf(cause)}`, {
      cause,
      hint: "call the identity by itself to see what it lacks",
    });
  }
  if (typeof said === "string" && /^[\w.~+/=-]+$/.test(said)) return said;
  if (typeof said === "string" && /^bearer /i.test(said)) {
    throw new XacctSignError("invalid_option", "the identity gave `Bearer` before its token", {
      hint: "let it give the token alone: `Bearer` is written before it",
    });
  }
  throw new XacctSignError("invalid_option", "the identity gave no token", {
    hint: "give `identityToken({ audience, region })` of `xacct-sign/identity`",
  });
}
