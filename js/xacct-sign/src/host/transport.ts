import { ANSWER_LIMIT, HINT } from "../../wasm/constants.js";
import { messageOf, XacctSignError } from "../errors.js";
import { read } from "../options.js";
import type { Deadline } from "./deadline.js";
import type { Fetch } from "./platform.js";
import { checkHost } from "./text.js";

/**
 * The `fetch` that is given, or the runtime's.
 *
 * @throws XacctSignError `invalid_option`
 */
export function hostFetch(given: Fetch | undefined): typeof globalThis.fetch {
  const found: unknown = given ?? globalThis.fetch;
  if (typeof found !== "function") {
    throw new XacctSignError("invalid_option", "there is no `fetch`", { hint: "give one as the option `fetch`" });
  }
  return found as typeof globalThis.fetch;
}

/**
 * Sends a request, and waits for the head of its answer.
 *
 * @throws XacctSignError `transport`, `timeout`; an abort of the caller's signal comes through as its reason
 */
export async function send(
  fetch: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  deadline: Deadline,
): Promise<Response> {
  const { host } = new URL(url);
  try {
    const call = async () => fetch(url, { ...init, signal: deadline.signal });
    const response: unknown = await deadline.wait(`answer from \`${host}\``, call);
    if (typeof (response as Response | undefined)?.status === "number") return response as Response;
    throw new TypeError("`fetch` gave no Response");
  } catch (thrown) {
    // Who aborts gets the reason, as of any fetch.
    deadline.throwIfAborted();
    if (thrown instanceof XacctSignError) throw thrown;
    const reason = (thrown as { cause?: unknown } | null | undefined)?.cause;
    // OpenSSL's texts end with a line break.
    const detail = messageOf(reason instanceof Error ? reason : thrown).trim();
    throw new XacctSignError("transport", `cannot reach \`${host}\`: ${detail}`, {
      cause: thrown,
      retryable: true,
      hint: HINTS.find(([pattern]) => pattern.test(`${read(reason as NodeError, "code")} ${detail}`))?.[1] ?? NETWORK,
    });
  }
}

/** What Node says besides of a connection that was not made. */
interface NodeError {
  readonly code?: string;
}

/** What to do about a connection that was not made, by what the runtime says of it. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, "is it running, and is the port right?"],
  [
    /EPROTO|wrong version number|packet length too long/i,
    "does the server speak plain http there? check the scheme and the port",
  ],
];
const NETWORK =
  "check the address, the network and, in a browser, what CORS allows; Node's `fetch` reads no proxy from the environment by itself";

/** Whether a hint says all there is to do, whoever was called. */
export function isSpecific(hint: string | undefined): boolean {
  return HINTS.some(([, known]) => known === hint);
}

/** STS's answer, of any status. */
export interface Answer {
  response: Response;
  status: number;
  text: string;
}

/**
 * Sends a request to STS, lines of URL, body and headers, and reads the answer to its end.
 *
 * @throws XacctSignError `transport`, `timeout`, `response_too_large`
 */
export async function postToSts(request: string, given: Fetch | undefined, deadline: Deadline): Promise<Answer> {
  checkHost();
  const [url, body, ...lines] = request.split("\n") as [string, string, ...string[]];
  const headers = new Headers();
  for (let at = 0; at < lines.length; at += 2) headers.set(lines[at] as string, lines[at + 1] as string);
  const response = await send(hostFetch(given), url, { method: "POST", headers, body, redirect: "manual" }, deadline);
  const { host } = new URL(url);
  try {
    const text = await deadline.wait(`end of the answer of \`${host}\``, () => limitedText(response));
    return { response, status: response.status, text };
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    const message = `the answer of \`${host}\` broke off: ${messageOf(cause)}`;
    throw new XacctSignError("transport", message, { cause, retryable: true, hint: "check the network" });
  }
}

async function limitedText(response: Response): Promise<string> {
  // A `fetch` of somebody else's may give a body of another kind.
  if (typeof response.body?.getReader !== "function") return response.text();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.byteLength;
    if (length > ANSWER_LIMIT) {
      reader.cancel().catch(() => {});
      throw new XacctSignError("response_too_large", `the answer of STS is longer than ${ANSWER_LIMIT} bytes`, {
        hint: HINT.invalid_response,
      });
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
