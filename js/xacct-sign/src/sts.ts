import { messageOf, XacctSignError } from "./errors.js";
import type { Fetch } from "./platform.js";

/** STS's answer, of any status. */
export interface Answer {
  status: number;
  text: string;
}

const TIMEOUT_SECONDS = 35;
/** STS's answers are a few kB; whatever is longer is none. */
const ANSWER_LIMIT = 1 << 20;

/**
 * Sends the request, lines of URL, body and headers, and reads the answer.
 *
 * @throws XacctSignError `transport`, `timeout`, `response_too_large`
 */
export async function postToSts(request: string, given: Fetch | undefined): Promise<Answer> {
  const send = hostFetch(given);
  const [url, body, ...lines] = request.split("\n") as [string, string, ...string[]];
  const headers = new Headers();
  for (let at = 0; at < lines.length; at += 2) headers.set(lines[at] as string, lines[at + 1] as string);
  const { host } = new URL(url);
  try {
    const response = await send(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    return { status: response.status, text: await limitedText(response) };
  } catch (thrown) {
    throw networkError(thrown, host);
  }
}

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

/** What `fetch` threw, as our error. */
export function networkError(thrown: unknown, host: string): XacctSignError {
  if (thrown instanceof XacctSignError) return thrown;
  if ((thrown as { name?: unknown } | null)?.name === "TimeoutError") {
    const message = `no answer from \`${host}\` in ${TIMEOUT_SECONDS} seconds`;
    return new XacctSignError("timeout", message, { cause: thrown, retryable: true });
  }
  const reason = (thrown as { cause?: unknown } | null)?.cause;
  const detail = reason instanceof Error ? reason.message : messageOf(thrown);
  return new XacctSignError("transport", `cannot reach \`${host}\`: ${detail}`, { cause: thrown, retryable: true });
}

async function limitedText(response: Response): Promise<string> {
  if (!response.body) return response.text();
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.byteLength;
    if (length > ANSWER_LIMIT) {
      reader.cancel().catch(() => {});
      throw new XacctSignError("response_too_large", `the answer is longer than ${ANSWER_LIMIT} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
