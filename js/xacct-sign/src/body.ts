import { XacctSignError } from "./errors.js";

/** Stands for a body that is not signed, where the service takes that. */
export const UNSIGNED_PAYLOAD: unique symbol = Symbol.for("xacct-sign.unsigned-payload");

/** What `Signer` signs: text is UTF-8. */
export type SignableBody = string | ArrayBuffer | ArrayBufferView | typeof UNSIGNED_PAYLOAD | null | undefined;

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();

/**
 * The bytes of what is at hand at once.
 *
 * @throws XacctSignError `invalid_body`
 */
export function bytesOf(body: Exclude<SignableBody, symbol>): Uint8Array {
  if (body === undefined || body === null) return EMPTY;
  if (typeof body === "string") return body === "" ? EMPTY : encoder.encode(body);
  if (body instanceof Uint8Array) return body;
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (isArrayBuffer(body)) return new Uint8Array(body);
  throw invalid(
    "the body is neither text nor bytes",
    "give a string, an ArrayBuffer or a view of one; signRequest and fetch take more",
  );
}

/** A body as it is sent, and the content type it has by itself. */
export interface SendableBody {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

/**
 * Whatever `fetch` takes and can be hashed, serialised once: what is hashed is what is sent.
 *
 * @throws XacctSignError `invalid_body` for a stream
 */
export async function sendable(body: unknown): Promise<SendableBody> {
  if (typeof body === "string") return { bytes: encoder.encode(body), contentType: "text/plain;charset=UTF-8" };
  if (body === undefined || body === null || ArrayBuffer.isView(body) || isArrayBuffer(body)) {
    return { bytes: bytesOf(body as ArrayBuffer | null | undefined), contentType: undefined };
  }
  if (isStream(body)) {
    throw invalid(
      "the body is a stream, which cannot be hashed before it is sent",
      "read it first (`await new Response(stream).bytes()`, or a Blob), or set `unsignedPayload: true` where the service takes that",
    );
  }
  const isForm = isA(body, "FormData") || isA(body, "URLSearchParams");
  if (!isForm && !isA(body, "Blob")) {
    throw invalid(
      "the body is none that can be sent",
      "give a string, bytes, URLSearchParams, Blob or FormData; JSON.stringify makes a string of an object",
    );
  }
  try {
    const whole = new Response(body as FormData);
    const bytes = new Uint8Array(await whole.arrayBuffer());
    return { bytes, contentType: whole.headers.get("content-type") || undefined };
  } catch (cause) {
    throw new XacctSignError("invalid_body", "the body cannot be read", { cause });
  }
}

/** Whether this is a body that can be read only once. */
export function isStream(body: unknown): boolean {
  if (typeof body !== "object" || body === null || isA(body, "FormData") || isA(body, "URLSearchParams")) return false;
  return isA(body, "ReadableStream") || Symbol.asyncIterator in body;
}

function isA(value: unknown, name: "FormData" | "URLSearchParams" | "Blob" | "ReadableStream"): boolean {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === "function" && value instanceof type;
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  const tag = Object.prototype.toString.call(value);
  return tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]";
}

function invalid(message: string, hint: string): XacctSignError {
  return new XacctSignError("invalid_body", message, { hint });
}
