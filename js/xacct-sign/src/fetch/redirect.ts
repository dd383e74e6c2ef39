import { XacctSignError } from "../errors.js";
import type { HttpHosts } from "../http-hosts.js";
import { canonicalUrl, origin } from "../module/wasm.js";
import { checkPlace } from "../url.js";

/**
 * Where a redirect within the origin leads; undefined if the answer is none, or leads elsewhere or to a URL that is signed.
 *
 * @throws XacctSignError `transport` where the runtime hides redirects
 */
export function redirectTarget(from: string, response: Response, hosts: HttpHosts): string | undefined {
  if (response.type === "opaqueredirect") {
    throw new XacctSignError(
      "transport",
      "the answer is a redirect, which a browser does not let a script follow signed",
      {
        hint: 'call the URL it leads to, or pass `redirect: "manual"` to get the answer as the browser gives it',
      },
    );
  }
  const location = locationOf(response);
  if (!location) return undefined;
  try {
    const target = canonicalUrl(new URL(decoded(location), from).href.replace(/#.*/, ""));
    // Within the origin, what may not be reached is what is signed already.
    checkPlace(target, hosts);
    return origin(target) === origin(from) ? target : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an answer is a redirect, or hides that it is one. */
export function isRedirect(response: Response): boolean {
  return response.type === "opaqueredirect" || !!locationOf(response);
}

/** Where an answer leads; a `fetch` of somebody else's may give answers that have less. */
function locationOf(response: Response): string | null | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  return response.headers?.get?.("location");
}

/** Whether the redirect is followed by a GET without a body. */
export function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "HEAD" && method !== "GET";
  return (status === 301 || status === 302) && method === "POST";
}

const UTF8 = { fatal: true, ignoreBOM: true };

/** A header's bytes, which `fetch` hands over as characters, read as UTF-8 where they are that. */
function decoded(value: string): string {
  if (!/^[\0-\xff]*[\x80-\xff][\0-\xff]*$/.test(value)) return value;
  try {
    return new TextDecoder("utf-8", UTF8).decode(Uint8Array.from(value, (byte) => byte.charCodeAt(0)));
  } catch {
    return value;
  }
}
