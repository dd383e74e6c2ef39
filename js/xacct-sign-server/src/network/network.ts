// The two calls that a verifier makes: for an issuer's keys, and to STS.

import { env } from "../../../xacct-sign/src/host/env.js";
import { ANSWER_LIMIT } from "../../wasm/constants.js";
import { messageOf } from "../errors.js";
import type { Log } from "../log.js";
import { WasmRetry } from "../module.js";
import type { Fetch } from "../options.js";
import { sendBy, sendByFetch } from "./fetched.js";
import { Final, inTime, WHOLE_SECONDS } from "./limits.js";
import type { Answer, Outgoing, Send } from "./send.js";

let direct: Send | undefined;

/** Says what sends where no `fetch` is given. */
export function provideSend(send: Send): void {
  direct = send;
}

/** The calls of one verifier. What fails is logged, and told as nothing. */
export class Network {
  /** Whether each request is one apart, as on Workers: what it awaits no other may settle. */
  readonly isEachAlone: boolean;
  /**
   * Whether what one request began goes on behind its answer. Workers end it there, and a Lambda function is frozen.
   */
  readonly goesOn: boolean;
  readonly #send: Send;
  readonly #log: Log;
  readonly #stsEndpoint: URL | undefined;
  readonly #stsHint: string | undefined;

  constructor(fetch: Fetch | undefined, stsEndpoint: URL | undefined, log: Log, stsHint: string | undefined) {
    this.isEachAlone = direct === undefined;
    this.goesOn = !this.isEachAlone && env("AWS_LAMBDA_FUNCTION_NAME") === undefined;
    this.#send = fetch === undefined ? (direct ?? sendByFetch) : sendBy(fetch);
    this.#stsEndpoint = stsEndpoint;
    this.#stsHint = stsHint;
    this.#log = log;
  }

  /** Gives an issuer's keys to whom takes them, for which so long is waited at most: to whom says whether they are some. */
  async keys(
    url: string,
    isDevelopment: boolean,
    take: (body?: Uint8Array) => boolean,
    seconds: number = WHOLE_SECONDS,
  ): Promise<void> {
    const headers = { accept: "application/json" };
    const failed = (cause: unknown) => {
      take();
      const message = `the keys at ${url} cannot be fetched: ${messageOf(cause)}`;
      this.#log({ code: "keys_not_fetched", message, cause });
    };
    let body: Uint8Array;
    try {
      const outgoing = { method: "GET", url: new URL(url), headers, isPublicOnly: !isDevelopment } as const;
      const answer = await this.#answer(outgoing, seconds);
      if (answer.status !== 200) throw new Error(`it answers with status ${answer.status}`);
      body = answer.body;
      if (body.byteLength > ANSWER_LIMIT) throw new Error(`its answer is longer than ${ANSWER_LIMIT} bytes`);
    } catch (cause) {
      return failed(cause);
    }
    // What fails in whom takes them is no failure of the issuer's.
    if (!take(body)) failed(new Error("the answer is no set of keys"));
  }

  /** STS's answer. It may be at a private address, where a VPC has an endpoint of its own for it: TLS says who it is. */
  async sts(url: string, headers: readonly [string, string][], body: string): Promise<Answer | undefined> {
    const target = this.#stsEndpoint ?? new URL(url);
    try {
      // Who is asked in STS's place is given the host that was signed.
      const sent = headers.filter(([name, value]) => name !== "host" || value !== target.host);
      const outgoing = {
        method: "POST",
        url: target,
        headers: Object.fromEntries(sent),
        body,
        isPublicOnly: false,
      } as const;
      return await this.#answer(outgoing, WHOLE_SECONDS);
    } catch (cause) {
      const message = `${target.origin} cannot be asked: ${messageOf(cause)}`;
      this.#log({ code: "sts_not_asked", message, hint: this.#stsHint, cause });
      return undefined;
    }
  }

  /** Tries again what may come right by that. */
  #answer(outgoing: Outgoing, seconds: number): Promise<Answer> {
    return inTime(seconds, async (signal) => {
      const retry = new WasmRetry(Math.floor(Math.random() * 2 ** 32));
      try {
        for (;;) {
          try {
            return await this.#send(outgoing, signal);
          } catch (error) {
            const pause = error instanceof Final ? -1 : retry.failed(false);
            if (pause < 0) throw error;
            await new Promise((resolve) => setTimeout(resolve, pause));
            signal.throwIfAborted();
          }
        }
      } finally {
        retry.free();
      }
    });
  }
}
