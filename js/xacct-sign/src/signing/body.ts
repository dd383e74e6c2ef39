import { messageOf, XacctSignError } from "../errors.js";
import { hasHostHash } from "../host/hash.js";

/** Stands for a body that is not signed, where the service takes that. */
export const UNSIGNED_PAYLOAD: unique symbol = Symbol.for("xacct-sign.unsigned-payload");

/** What `Signer` signs: text is UTF-8. */
export type SignableBody = string | ArrayBuffer | ArrayBufferView | typeof UNSIGNED_PAYLOAD | null | undefined;

/** Bytes that somebody else has hashed, in hexadecimal. */
export interface Hashed {
  readonly sha256: string;
}

/** Bytes from which on a blob stays where it is, which may be a file: it is read to be hashed, and again to be sent. */
const LARGE_BLOB = 1 << 20;

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
  try {
    if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    if (isArrayBuffer(body)) return new Uint8Array(body);
  } catch (cause) {
    throw invalid(`the body's bytes cannot be read: ${messageOf(cause)}`, "give bytes that are still yours", cause);
  }
  throw invalid(
    "the body is neither text nor bytes",
    "give a string, an ArrayBuffer or a view of one; signRequest and fetch take more",
  );
}

/**
 * Refuses what `fetch` does not take, or what cannot be hashed before it is sent.
 *
 * @throws XacctSignError `invalid_body`
 */
export function checkSendable(body: unknown): void {
  if (isStream(body)) {
    throw invalid(
      "the body is a stream, which cannot be hashed before it is sent",
      "read it first (`await new Response(stream).arrayBuffer()`), give a Blob " +
        "(`await fs.openAsBlob(path)` is a file's), or set `unsignedPayload: true` where the service takes that",
    );
  }
  const tag = Object.prototype.toString.call(body);
  const isBytes = ArrayBuffer.isView(body) || tag === "[object ArrayBuffer]";
  // Refuses bytes that have been handed on to somebody else.
  if (isBytes) bytesOf(body as ArrayBuffer);
  if (
    typeof body === "string" ||
    isBytes ||
    isA(body, "FormData") ||
    isA(body, "URLSearchParams") ||
    isA(body, "Blob")
  ) {
    return;
  }
  throw invalid(
    "the body is none that can be sent",
    "give a string, bytes, URLSearchParams, Blob or FormData; JSON.stringify makes a string of an object",
  );
}

/**
 * @internal The body of a request, which stays as it was.
 *
 * @throws XacctSignError `invalid_body`
 */
export async function bytesIn(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.body === null && !request.bodyUsed) return undefined;
  try {
    const bytes = new Uint8Array(await request.clone().arrayBuffer());
    // Where a Request does not show its body, as in Firefox, none and an empty one look alike.
    return request.body === undefined && bytes.length === 0 ? undefined : bytes;
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** @internal What is said of a body that cannot be read. */
export function unreadable(cause: unknown): XacctSignError {
  return invalid(
    `the request's body cannot be read: ${messageOf(cause)}`,
    "a body can be read once: clone it before; a file must not change meanwhile",
    cause,
  );
}

/** @internal Whether this is a blob that need not be in memory, on a host that hashes it piece by piece. */
export function isLargeBlob(body: unknown): body is Blob {
  return isA(body, "Blob") && (body as Blob).size >= LARGE_BLOB && hasHostHash();
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

function invalid(message: string, hint: string, cause?: unknown): XacctSignError {
  return new XacctSignError("invalid_body", message, { hint, cause });
}
