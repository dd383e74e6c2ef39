// One request and its answer. The module decides; here is what flows. What is in the module's memory is given back at once: there may be
// bodies in it, of which a collector of garbage sees nothing.

import type { IncomingMessage, ServerResponse } from "node:http";
import { type WasmAnswer, type WasmEmulator, WasmRequest } from "../wasm/xacct_sign.js";
import type { Calls } from "./calls.js";
import { forwarded, whole } from "./forwarding.js";
import type { Send } from "./upstream/send.js";

/** The endpoint that a request came to. */
export interface Endpoint {
  readonly emulator: WasmEmulator;
  /** The stage's name; empty for STS. */
  readonly stage: string;
  readonly send: Send;
  readonly calls: Calls;
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
  if (head === undefined) return void response.writeHead(400, { connection: "close" }).end();
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const path = target.split("?", 1)[0] ?? "";
  const note = calls.came({ method, path, status: null, stage, caller: null });
  const called = ({ caller }: WasmAnswer) => note({ status: null, caller: caller ?? null });
  const answered = ({ status, caller, refused }: WasmAnswer) => note({ status, caller: caller ?? null }, refused);

  const refused = emulator.beforeBody(stage, head, Date.now());
  if (refused !== undefined) {
    head.free();
    if (unasked || (await bodyOf(request, 0)) !== "broken") {
      answered(refused);
      // Whoever is not given leave may send the body nevertheless: what follows could be either.
      whole(response, refused, unasked ? ["connection", "close"] : []);
    }
    return refused.free();
  }
  if (unasked) response.writeContinue();
  const body = await bodyOf(request, emulator.maxBodyBytes(stage));
  if (body === "broken") return head.free();
  const decided = decidedOn(endpoint, head, body);
  const forward = decided.forward();
  try {
    if (forward === undefined) {
      answered(decided);
      return whole(response, decided);
    }
    called(decided);
    const forwarding = { send: endpoint.send, what: `${method} ${path}`, stage, decided, response, gone: gone.signal };
    await forwarded({ ...forwarding, answered: () => answered(decided) }, forward);
  } finally {
    decided.free();
  }
}

/** What becomes of a request whose body is there, or longer than it may be. */
function decidedOn({ emulator, stage }: Endpoint, head: WasmRequest, body: Uint8Array | "too long"): WasmAnswer {
  // It takes the head with it.
  if (body !== "too long") return emulator.handle(stage, head, body, Date.now());
  const decided = emulator.bodyTooLarge(stage, head, Date.now());
  head.free();
  return decided;
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
