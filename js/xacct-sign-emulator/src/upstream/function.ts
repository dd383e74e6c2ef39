// An upstream that is a function in the style of `fetch`.

import type { UpstreamFunction } from "../options.js";
import { type Answered, type Send, UpstreamError } from "./send.js";

/** Calls a function. What it throws is a mistake in the test, and is told as a warning: the caller gets a bare 500. */
export function byFunction(upstream: UpstreamFunction): Send {
  return async ({ method, url, headers, body, signal }) => {
    const pairs: [string, string][] = [];
    for (let index = 0; index < headers.length; index += 2)
      pairs.push([headers[index] ?? "", headers[index + 1] ?? ""]);
    // A body of these methods is none that `fetch` knows.
    const isWithout = method === "GET" || method === "HEAD" || body.length === 0;
    const request = new Request(url, {
      method,
      headers: pairs,
      signal,
      ...(isWithout ? {} : { body: body as unknown as BodyInit }),
    });
    const aborted = new Promise<never>((_, reject) => {
      const stop = () => reject(new UpstreamError("Connection"));
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
    // One that is done before nobody waits for.
    aborted.catch(() => {});
    try {
      return answered(await Promise.race([upstream(request), aborted]));
    } catch (thrown) {
      if (!(thrown instanceof UpstreamError)) warn(thrown);
      throw thrown;
    }
  };
}

function answered(response: Response): Answered {
  // What `fetch` gave is decoded, whatever its headers say.
  const isDecoded = response.url !== "" && response.headers.has("content-encoding");
  const isStale = (name: string) => isDecoded && (name === "content-encoding" || name === "content-length");
  const { body } = response;
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => !isStale(name)).flat(),
    length: undefined,
    body: body === null ? undefined : (body as unknown as AsyncIterable<Uint8Array>),
    drop: () => void body?.cancel().catch(() => {}),
  };
}

function warn(thrown: unknown): void {
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  process.emitWarning(`the emulator's upstream failed: ${text}`, { type: "XacctSignWarning" });
}
