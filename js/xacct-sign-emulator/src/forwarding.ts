// A request that passed, on its way to the API behind the gateway, and what comes back.

import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Failure, type WasmAnswer, type WasmForward } from "../wasm/xacct_sign.js";
import { type Answered, type Send, UpstreamError, upstreamError } from "./upstream/send.js";

/** What is known of it here. */
export interface Forwarding {
  readonly send: Send;
  /** Such as `GET /hoge`. */
  readonly what: string;
  readonly stage: string;
  readonly decided: WasmAnswer;
  readonly response: ServerResponse;
  /** Whether the caller went away. */
  readonly gone: AbortSignal;
  /** There is an answer: before it is sent. */
  readonly answered: () => void;
}

/**
 * Sends it, and passes on what comes. What fails has an answer of the gateway's own, or breaks off where one has begun. It is a mistake in
 * the test, or of who should have been there: so it is told as a warning, too.
 */
export async function forwarded(forwarding: Forwarding, forward: WasmForward): Promise<void> {
  const { what, stage, decided, response, gone, answered } = forwarding;
  const late = AbortSignal.timeout(decided.timeout);
  const signal = AbortSignal.any([gone, late]);
  try {
    const coming = await sent(forwarding, forward, signal);
    if (gone.aborted) return void coming.body?.destroy();
    answered();
    await relay(response, decided, coming, signal);
  } catch (thrown) {
    // One that went away is told nothing, and has not made the upstream fail.
    const hasFailed = response.headersSent ? thrown instanceof UpstreamError || late.aborted : !gone.aborted;
    if (!hasFailed) return void response.destroy();
    const error =
      late.aborted && !(thrown instanceof UpstreamError) ? new UpstreamError("Timeout") : upstreamError(thrown);
    const failure = Failure[error.failure];
    const [code, ...details] = [...decided.reason(failure), error.message].filter((text) => text !== "");
    const message = `the emulator's upstream, for \`${what}\` on \`${stage}\`: ${details.join(": ")}`;
    process.emitWarning(message, { type: "XacctSignWarning", ...(code === undefined ? {} : { code }) });
    if (response.headersSent) return void response.destroy();
    decided.failed(failure);
    answered();
    whole(response, decided);
  }
}

/** The head of the answer. */
async function sent({ send, decided }: Forwarding, forward: WasmForward, signal: AbortSignal): Promise<Answered> {
  const { method, url, headers, body } = forward;
  forward.free();
  const coming = await send({ method, url, headers, body, signal });
  if (coming.length !== undefined && coming.length > decided.maxBytes) {
    coming.body?.destroy();
    throw new UpstreamError("TooLarge");
  }
  if (!decided.answered(coming.status, coming.headers)) {
    coming.body?.destroy();
    throw new UpstreamError("Connection", `a status of ${coming.status}, or its headers, are none of HTTP`);
  }
  return coming;
}

/** Passes on what comes; what is too long, too late or broken off is broken off here, too, as there is no other way to say it. */
async function relay(
  response: ServerResponse,
  decided: WasmAnswer,
  { body, error }: Answered,
  signal: AbortSignal,
): Promise<void> {
  let left = decided.maxBytes;
  response.writeHead(decided.status, decided.headers);
  if (body === undefined) return void response.end();
  let failed: UpstreamError | undefined;
  body.once("error", (thrown) => {
    // What was stopped from here has not failed.
    if (!signal.aborted) failed ??= error(thrown);
  });
  async function* limited(pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      left -= piece.length;
      if (left < 0) {
        failed = new UpstreamError("TooLarge");
        throw failed;
      }
      yield piece;
    }
  }
  await pipeline(body, limited, response, { signal }).catch((thrown: unknown) => {
    throw failed ?? thrown;
  });
}

/** An answer that is there as a whole. */
export function whole(response: ServerResponse, { status, headers, body }: WasmAnswer, more: string[] = []): void {
  response.writeHead(status, [...headers, "content-length", String(body.length), ...more]);
  response.end(body);
}
