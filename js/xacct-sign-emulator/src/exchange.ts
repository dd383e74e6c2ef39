// One request and its answer. The module decides; here is what flows. What is in the module's memory is given back at once: there may be
// bodies in it, of which a collector of garbage sees nothing.

import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { Failure, type WasmAnswer, type WasmEmulator, WasmRequest } from "../wasm/xacct_sign.js";
import type { Calls } from "./calls.js";
import { type Answered, type Send, UpstreamError } from "./upstream/send.js";

/** The endpoint that a request came to. */
export interface Endpoint {
  readonly emulator: WasmEmulator;
  /** The stage's name; empty for STS. */
  readonly stage: string;
  readonly send: Send;
  /** Where calls are noted; those of STS are not. */
  readonly calls: Calls | undefined;
}

/** How much of a body that nobody wants is still read. */
const DISCARDED_BYTES = 40 * 1024 * 1024;

/** Answers a request. One that is `unasked` waits for leave to send its body. */
export async function answer(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  unasked: boolean,
): Promise<void> {
  const { emulator, stage, calls } = endpoint;
  const { method = "", url: target = "", rawHeaders } = request;
  const head = WasmRequest.read(method, target, rawHeaders);
  if (head === undefined) return end(response.writeHead(400, { connection: "close" }));
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const path = target.split("?", 1)[0] ?? "";
  const note = calls?.came({ method, path, status: null, stage, caller: null });
  const called = ({ caller }: WasmAnswer) => note?.({ status: null, caller: caller ?? null });
  const answered = ({ status, caller }: WasmAnswer) => note?.({ status, caller: caller ?? null });

  const refused = emulator.beforeBody(stage, head, Date.now());
  if (refused !== undefined) {
    head.free();
    called(refused);
    if (!unasked && (await bodyOf(request, 0)) === "broken") return refused.free();
    answered(refused);
    // Whoever is not given leave may send the body nevertheless: what follows could be either.
    return whole(response, refused, unasked ? ["connection", "close"] : []);
  }
  if (unasked) response.writeContinue();
  const body = await bodyOf(request, emulator.maxBodyBytes(stage));
  if (body === "broken") return head.free();
  if (body === "too long") {
    const decided = emulator.bodyTooLarge(stage, head, Date.now());
    head.free();
    answered(decided);
    return whole(response, decided);
  }
  // It takes the head with it.
  const decided = emulator.handle(stage, head, body, Date.now());
  const forward = decided.forward();
  if (forward === undefined) {
    answered(decided);
    return whole(response, decided);
  }

  called(decided);
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(decided.timeout)]);
  const coming = await sent(endpoint.send, decided, forward, signal);
  if (gone.signal.aborted) {
    coming?.drop();
    return decided.free();
  }
  answered(decided);
  if (coming === undefined) return whole(response, decided);
  await relay(response, decided, coming, signal);
}

/** The body, up to so many bytes. What is longer is read, but not kept, so that its sender gets to read the answer. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Uint8Array | "too long" | "broken"> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      length += piece.length;
      if (length <= most) pieces.push(piece);
      else if (length > most + DISCARDED_BYTES) break;
    }
  } catch {
    return "broken";
  }
  return length > most ? "too long" : Buffer.concat(pieces);
}

/** The upstream's answer; nothing where the module has one of its own instead. */
async function sent(
  send: Send,
  decided: WasmAnswer,
  forward: NonNullable<ReturnType<WasmAnswer["forward"]>>,
  signal: AbortSignal,
): Promise<Answered | undefined> {
  try {
    const { method, url, headers, body } = forward;
    forward.free();
    const answered = await send({ method, url, headers, body, signal });
    if (answered.length !== undefined && answered.length > decided.maxBytes) {
      answered.drop();
      throw new UpstreamError("TooLarge");
    }
    return decided.answered(answered.status, answered.headers) ? answered : undefined;
  } catch (thrown) {
    const failure = signal.aborted ? "Timeout" : thrown instanceof UpstreamError ? thrown.failure : "Connection";
    decided.failed(Failure[failure]);
    return undefined;
  }
}

/** Passes on what comes; what is too long, too late or broken off is broken off here, too, as there is no other way to say it. */
async function relay(
  response: ServerResponse,
  decided: WasmAnswer,
  answered: Answered,
  signal: AbortSignal,
): Promise<void> {
  let left = decided.maxBytes;
  response.writeHead(decided.status, decided.headers);
  decided.free();
  if (answered.body === undefined) return end(response);
  async function* limited(pieces: AsyncIterable<Uint8Array>) {
    for await (const piece of pieces) {
      left -= piece.length;
      if (left < 0) throw new UpstreamError("TooLarge");
      yield piece;
    }
  }
  await pipeline(answered.body, limited, response, { signal }).catch(() => response.destroy());
}

function whole(response: ServerResponse, decided: WasmAnswer, more: string[] = []): void {
  const { status, headers, body } = decided;
  decided.free();
  response.writeHead(status, [...headers, "content-length", String(body.length), ...more]);
  response.end(body);
}

function end(response: ServerResponse): void {
  response.end();
}
