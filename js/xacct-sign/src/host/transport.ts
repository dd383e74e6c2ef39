import { ANSWER_LIMIT, HINT, TIMEOUT_SECONDS } from "../../wasm/constants.js";
import { messageOf, XacctSignError } from "../errors.js";
import { LATE, untilAborted, within } from "./abort.js";
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

/** That there was no answer in time. */
export function timeout(who: string, cause?: unknown): XacctSignError {
  const message = `no answer from \`${who}\` in ${TIMEOUT_SECONDS} seconds`;
  return new XacctSignError("timeout", message, { cause, retryable: true, hint: "check the address and the network" });
}

/**
 * Sends a request, for whose answer's head it waits so long and no longer.
 *
 * @throws XacctSignError `transport`, `timeout`; an abort of the request's own signal comes through as its reason
 */
export async function send(fetch: typeof globalThis.fetch, url: string, init: RequestInit): Promise<Response> {
  const { host } = new URL(url);
  // The user's signal goes on as it is: chained to another, it would remember each call for as long as it lives.
  const own = init.signal ?? undefined;
  const limit = new AbortController();
  const call = async () => fetch(url, { ...init, signal: own ?? limit.signal });
  try {
    const response: unknown = await within(TIMEOUT_SECONDS, untilAborted(call, own));
    if (response === LATE) {
      limit.abort();
      throw timeout(host);
    }
    if (typeof (response as Response | undefined)?.status === "number") return response as Response;
    throw new TypeError("`fetch` gave no Response");
  } catch (thrown) {
    // Who aborts gets the reason, as of any fetch.
    if (own?.aborted) throw own.reason;
    if (thrown instanceof XacctSignError) throw thrown;
    const reason = (thrown as { cause?: unknown } | null | undefined)?.cause;
    const detail = messageOf(reason instanceof Error ? reason : thrown);
    throw new XacctSignError("transport", `cannot reach \`${host}\`: ${detail}`, {
      cause: thrown,
      retryable: true,
      hint: "check the address, the network and, in a browser, what CORS allows",
    });
  }
}

/** STS's answer, of any status. */
export interface Answer {
  status: number;
  text: string;
}

/**
 * Sends a request to STS, lines of URL, body and headers, and reads the answer.
 *
 * @throws XacctSignError `transport`, `timeout`, `response_too_large`
 */
export async function postToSts(request: string, given: Fetch | undefined): Promise<Answer> {
  checkHost();
  const [url, body, ...lines] = request.split("\n") as [string, string, ...string[]];
  const headers = new Headers();
  for (let at = 0; at < lines.length; at += 2) headers.set(lines[at] as string, lines[at + 1] as string);
  const response = await send(hostFetch(given), url, { method: "POST", headers, body, redirect: "manual" });
  try {
    return { status: response.status, text: await limitedText(response) };
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    const message = `the answer of \`${new URL(url).host}\` broke off: ${messageOf(cause)}`;
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
