// By `fetch`: where there is no other client, or one is given. What a name leads to cannot be known there.

import type { Fetch } from "../options.js";
import { LimitedBody } from "./limits.js";
import type { Send } from "./send.js";

/** Sends by a `fetch`. */
export function sendBy(fetch: Fetch): Send {
  return async ({ method, url, headers, body }, signal) => {
    const init: RequestInit = { method, headers, redirect: "manual", signal };
    if (body !== undefined) init.body = body;
    const response = await fetch(url.href, init);
    return { status: response.status, body: await limited(response) };
  };
}

/** Sends by the runtime's `fetch`, as it is at each call: tests and tools replace it. */
export const sendByFetch: Send = (outgoing, signal) => sendBy(globalThis.fetch)(outgoing, signal);

async function limited(response: Response): Promise<Uint8Array> {
  const read = new LimitedBody();
  const reader = response.body?.getReader();
  if (reader === undefined) return read.whole();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (read.add(part.value)) continue;
    reader.cancel().catch(() => {});
    break;
  }
  return read.whole();
}
