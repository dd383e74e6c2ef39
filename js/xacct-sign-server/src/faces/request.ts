// Servers in the style of `fetch`: Hono, Deno, Bun, Workers.

import { METHOD_OVERRIDES } from "../../wasm/constants.js";
import type { Caller } from "../caller.js";
import type { Checks } from "../checks.js";
import { XacctSignError } from "../errors.js";
import type { Log } from "../log.js";
import { pathsOf } from "../module.js";
import { headersOf, refused } from "./refusing.js";

/** What is used of a `Request`. */
export interface HostRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** The runtime's `Response`. */
export type HostResponse = typeof globalThis extends { Response: { prototype: infer R } }
  ? R
  : { readonly status: number };

export async function served<Result>(
  verifier: Checks,
  log: Log,
  request: HostRequest,
  handle: (caller: Caller) => Result | Promise<Result>,
): Promise<Result | HostResponse> {
  if (!isRequest(request)) {
    throw new XacctSignError("invalid_argument", "`serve` got no `Request`", {
      hint: "give the request itself, such as Hono's context.req.raw; Node's requests are for middleware() or check()",
    });
  }
  if (typeof handle !== "function") {
    throw new XacctSignError("invalid_argument", "`serve` got no function", {
      hint: "give what is done for a caller: serve(request, (caller) => new Response(caller.name))",
    });
  }
  // As it stands: some servers make no `URL` of it, and take this very text.
  const paths = pathsOf(undefined, "", request.url);
  const methods = [request.method, ...METHOD_OVERRIDES.map((name) => request.headers.get(name) ?? "")];
  let caller: Caller;
  try {
    // Several headers come joined by a comma, which the check refuses.
    caller = await verifier.check(request.headers.get("authorization"), methods, paths);
  } catch (thrown) {
    const status = refused(log, thrown, request.method, paths[0]);
    return new Response(null, { status, headers: headersOf(status) });
  }
  return handle(caller);
}

/** Of whichever realm or package. */
function isRequest(given: HostRequest | null | undefined): boolean {
  const { method, url, headers } = given ?? {};
  return typeof method === "string" && typeof url === "string" && typeof headers?.get === "function";
}
