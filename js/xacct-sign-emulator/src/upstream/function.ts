// An upstream that is a function in the style of `fetch`.

import { Readable } from "node:stream";
import { inspect } from "node:util";
import { kindOf } from "../errors.js";
import type { UpstreamFunction } from "../options.js";
import { type Answered, type Send, type Sent, UpstreamError } from "./send.js";

/** Calls a function. What it does wrong is a mistake in the test, and told to who wrote it: the caller gets a bare 500. */
export function byFunction(upstream: UpstreamFunction): Send {
  return async (sent) => {
    const { signal } = sent;
    const aborted = new Promise<never>((_, reject) => {
      const stop = () => reject(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
    const called = async () => {
      try {
        const given = answered(await upstream(requestOf(sent)));
        // Nobody waits for it any more.
        if (signal.aborted) given.body?.destroy();
        return given;
      } catch (thrown) {
        throw ofFunction(thrown);
      }
    };
    return Promise.race([called(), aborted]);
  };
}

function requestOf({ method, url, headers, body, signal }: Sent): Request {
  const pairs: [string, string][] = [];
  for (let index = 0; index < headers.length; index += 2) pairs.push([headers[index] ?? "", headers[index + 1] ?? ""]);
  // A body of these methods is none that `fetch` knows.
  const isWithout = method === "GET" || method === "HEAD" || body.length === 0;
  const sent = isWithout ? {} : { body: body as unknown as BodyInit };
  return new Request(url, { method, headers: pairs, signal, ...sent });
}

function answered(response: Response): Answered {
  // Of whichever realm or package.
  if (Object.prototype.toString.call(response) !== "[object Response]") {
    throw new UpstreamError("Function", `it gave ${kindOf(response)} in place of a \`Response\``);
  }
  if (response.bodyUsed || response.body?.locked) {
    throw new UpstreamError("Function", "it gave a `Response` that was read before: make a new one each time");
  }
  if (response.status === 0)
    throw new UpstreamError("Function", "it gave `Response.error()`, which is no answer of HTTP");
  // What `fetch` gave is decoded, whatever its headers say.
  const isDecoded = response.url !== "" && response.headers.has("content-encoding");
  const isStale = (name: string) => isDecoded && (name === "content-encoding" || name === "content-length");
  const { body } = response;
  return {
    status: response.status,
    headers: [...response.headers].filter(([name]) => !isStale(name)).flat(),
    length: undefined,
    body: body === null ? undefined : readable(body),
    error: ofFunction,
  };
}

/** That of a package that has streams of Node's is one. */
function readable(body: NonNullable<Response["body"]>): Readable {
  if (body instanceof Readable) return body;
  return Readable.fromWeb(body as unknown as Parameters<typeof Readable.fromWeb>[0]);
}

function ofFunction(thrown: unknown): UpstreamError {
  return thrown instanceof UpstreamError ? thrown : new UpstreamError("Function", inspect(thrown));
}
