import { bytesIn, checkSendable, isStream } from "./body.js";
import { messageOf, XacctSignError } from "./errors.js";
import { type HeadersInput, type Pair, sendableHeaders } from "./headers.js";
import { canonicalUrl, checkPrivate } from "./url.js";

/** What of a `RequestInit` is read, beside `headers` and `body`. */
const FIELDS = [
  "method",
  "redirect",
  "signal",
  "mode",
  "credentials",
  "cache",
  "referrer",
  "referrerPolicy",
  "integrity",
  "keepalive",
  "priority",
  "cf",
] as const;

/** A request's settings beside URL, headers and body, as far as this runtime has them. */
export function requestFields(request: Request | RequestInit): RequestInit {
  const fields: Record<string, unknown> = {};
  for (const name of FIELDS) {
    const value = (request as unknown as Record<string, unknown>)[name];
    // No script may make a request of mode `navigate`.
    if (value !== undefined && value !== null && value !== "navigate") fields[name] = value;
  }
  return fields;
}

/** A request whose body is at hand, to be signed as often as it takes. */
export interface Call {
  url: string;
  method: string;
  pairs: Pair[];
  /** Bytes, or where they need not be signed a stream, which can be sent once. */
  body: Uint8Array<ArrayBuffer> | BodyInit | undefined;
  init: RequestInit;
}

/**
 * What `fetch` would send: the runtime's own `Request` reads the input, over which `init` wins, and says what it does not
 * take. The bytes of the body are those of this moment.
 *
 * @throws XacctSignError `invalid_url`, `insecure_url`, `invalid_method`, `invalid_header`, `invalid_body`, `invalid_option`
 */
export async function callOf(
  input: RequestInfo | URL,
  given: RequestInit | null | undefined,
  isUnsigned: boolean,
): Promise<Call> {
  if (given !== undefined && given !== null && typeof given !== "object") {
    throw new XacctSignError("invalid_option", `the second argument is a ${typeof given}`, {
      hint: "give what fetch takes there, such as { method, headers, body }",
    });
  }
  const request = typeof Request === "function" && input instanceof Request ? input : undefined;
  const url = canonicalUrl(request ? request.url : (input as string | URL));
  checkPrivate(url);
  const init = initOf(request, given);
  const body: unknown = given?.body ?? undefined;
  const isSentUnread = isUnsigned && isStream(body);
  if (body !== undefined && !isSentUnread) checkSendable(body);
  const own = body === undefined && request ? await bytesIn(request) : undefined;
  const content = isSentUnread ? undefined : (body ?? own);
  const headers = sendableHeaders((given?.headers ?? request?.headers) as HeadersInput | undefined);
  const read = hostRequest(url, { ...init, headers, body: content as BodyInit | undefined }, isSentUnread);
  const pairs: Pair[] = [];
  read.headers.forEach((value, name) => {
    pairs.push([name, value]);
  });
  return {
    url,
    method: read.method,
    pairs,
    body: isSentUnread ? (body as BodyInit) : await bytesIn(read),
    init,
  };
}

/** What `init` says over what the request does; what only this runtime knows (`dispatcher`, `tls`) is passed on. */
function initOf(request: Request | undefined, given: RequestInit | null | undefined): RequestInit {
  const { headers: _, body: __, ...own } = given ?? {};
  for (const name of FIELDS) delete (own as Record<string, unknown>)[name];
  return { ...own, ...(request && requestFields(request)), ...(given && requestFields(given)) };
}

function hostRequest(url: string, init: RequestInit, hasStream: boolean): Request {
  const method: unknown = init.method ?? "GET";
  if (typeof method !== "string" || !/^[\w!#$%&'*+.^`|~-]+$/.test(method) || /^(connect|trace|track)$/i.test(method)) {
    throw new XacctSignError("invalid_method", `the method \`${String(method)}\` is none that fetch sends`, {
      hint: "use a name such as `GET` or `PUT`",
    });
  }
  if (/^(get|head)$/i.test(method) && (init.body !== undefined || hasStream)) {
    throw new XacctSignError("invalid_body", `a ${method.toUpperCase()} has no body`, {
      hint: "leave the body out, or use another method",
    });
  }
  try {
    return new Request(url, init);
  } catch (cause) {
    throw new XacctSignError("invalid_option", `fetch does not take the request: ${messageOf(cause)}`, {
      cause,
      hint: "check what is given beside the URL",
    });
  }
}
