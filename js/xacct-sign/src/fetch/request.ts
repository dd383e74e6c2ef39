import { HINT } from "../../wasm/constants.js";
import { messageOf, XacctSignError } from "../errors.js";
import { untilAborted } from "../host/abort.js";
import { sentOnce } from "../host/blob.js";
import { FIELDS, requestFields } from "../host/fields.js";
import { hostHashOfStream } from "../host/hash.js";
import { checkHost } from "../host/text.js";
import { quoted } from "../options.js";
import { bytesIn, checkSendable, type Hashed, isLargeBlob, isStream, unreadable } from "../signing/body.js";
import { type HeadersInput, type Pair, sendableHeaders } from "../signing/headers.js";

/** A request whose body is at hand, to be signed as often as it takes. */
export interface Call {
  url: string;
  method: string;
  pairs: Pair[];
  /** Bytes, a blob that stays where it is, or where they need not be signed a stream, which can be sent once. */
  body: Uint8Array<ArrayBuffer> | BodyInit | undefined;
  /** The hash of a blob. */
  hash: Hashed | undefined;
  init: RequestInit;
}

/** Whether the body can be sent only once. */
export function isSpent({ body }: Call): boolean {
  return isStream(body);
}

/**
 * What `fetch` would send: the runtime's own `Request` reads the input, over which `init` wins, and says what it does not
 * take. `place` says where a URL leads. The bytes of the body are those of this moment.
 *
 * @throws XacctSignError `invalid_url`, `insecure_url`, `already_signed`, `invalid_method`, `invalid_header`, `invalid_body`, `invalid_option`
 */
export async function callOf(
  input: RequestInfo | URL,
  given: RequestInit | null | undefined,
  isUnsigned: boolean,
  place: (url: string | { readonly href: string }) => string,
): Promise<Call> {
  if (given !== undefined && given !== null && typeof given !== "object") {
    throw new XacctSignError("invalid_option", `the second argument is a ${typeof given}`, {
      hint: "give what fetch takes there, such as { method, headers, body }",
    });
  }
  checkHost();
  const request = requestIn(input);
  // A Request in place of `init` is how a proxy passes one on.
  const second = requestIn(given);
  const url = place(request ? request.url : (input as string | URL));
  const init = initOf(request, given);
  const signal = checkedSignal(init);
  const givenBody: unknown = second ? undefined : (given?.body ?? undefined);
  // The Request whose body is sent where `init` has none.
  const source = givenBody !== undefined ? undefined : second && second.body !== null ? second : request;
  const unread: unknown = isUnsigned ? (givenBody ?? source?.body) : undefined;
  const stream = isStream(unread) ? (unread as BodyInit) : undefined;
  let content: BodyInit | undefined;
  let blob: Blob | undefined;
  let hash: Hashed | undefined;
  if (isLargeBlob(givenBody)) {
    blob = sentOnce(givenBody);
    if (!isUnsigned) hash = await untilAborted(() => hashOf(givenBody), signal);
  } else if (stream === undefined) {
    if (givenBody !== undefined) checkSendable(givenBody);
    content = source ? await untilAborted(() => bytesIn(source), signal) : (givenBody as BodyInit | undefined);
  }
  const headers =
    given?.headers === undefined || second
      ? sendableHeaders((second ?? request)?.headers as HeadersInput | undefined, "drop")
      : sendableHeaders(given.headers as HeadersInput, "refuse");
  // As fetch does it.
  if (blob !== undefined && blob.type !== "" && !headers.has("content-type")) headers.set("content-type", blob.type);
  const read = hostRequest(url, { ...init, headers, body: content }, (stream ?? blob) !== undefined);
  const pairs: Pair[] = [];
  read.headers.forEach((value, name) => {
    pairs.push([name, value]);
  });
  return { url, method: read.method, pairs, body: stream ?? blob ?? (await bytesIn(read)), hash, init };
}

/** The hash of what is too large to be kept in memory; it is read once more when it is sent. */
async function hashOf(blob: Blob): Promise<Hashed> {
  try {
    return { sha256: await hostHashOfStream(blob.stream()) };
  } catch (cause) {
    throw unreadable(cause);
  }
}

function requestIn(value: unknown): Request | undefined {
  return typeof Request === "function" && value instanceof Request ? value : undefined;
}

/** What `init` says over what the request does; what only this runtime knows (`dispatcher`, `tls`) is passed on. */
function initOf(request: Request | undefined, given: RequestInit | null | undefined): RequestInit {
  const own: Record<string, unknown> = {};
  if (given && !requestIn(given)) {
    for (const name in given) own[name] = (given as Record<string, unknown>)[name];
    for (const name of ["headers", "body", ...FIELDS]) delete own[name];
  }
  const init: RequestInit = { ...own, ...(request && requestFields(request)), ...(given && requestFields(given)) };
  if (given?.signal === null) delete init.signal;
  return init;
}

function checkedSignal({ signal }: RequestInit): AbortSignal | undefined {
  if (signal === undefined || typeof signal?.addEventListener === "function") return signal;
  throw new XacctSignError("invalid_option", "`signal` is no AbortSignal", { hint: "give an AbortController's" });
}

function hostRequest(url: string, init: RequestInit, hasOther: boolean): Request {
  const method: unknown = init.method ?? "GET";
  if (typeof method !== "string" || !/^[\w!#$%&'*+.^`|~-]+$/.test(method) || /^(connect|trace|track)$/i.test(method)) {
    throw new XacctSignError("invalid_method", `the method ${quoted(String(method))} is none that fetch sends`, {
      hint: HINT.invalid_method,
    });
  }
  if (/^(get|head)$/i.test(method) && (init.body !== undefined || hasOther)) {
    throw new XacctSignError("invalid_body", `a ${method.toUpperCase()} has no body`, {
      hint: "leave the body out, or use another method",
    });
  }
  try {
    // Without the signal, to which each Request would hang on.
    return new Request(url, { ...init, signal: null });
  } catch (cause) {
    throw new XacctSignError("invalid_option", `fetch does not take the request: ${messageOf(cause)}`, {
      cause,
      hint: "check what is given beside the URL",
    });
  }
}
