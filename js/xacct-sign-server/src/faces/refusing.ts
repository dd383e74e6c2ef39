// What every face does with who is refused.

import { messageOf, RefusedError } from "../errors.js";
import type { Log } from "../log.js";

/** What the client is told: RFC 9110, section 15.5.2, wants a 401 to name the scheme. */
export function headersOf(status: number): Record<string, string> {
  return status === 401 ? { "www-authenticate": "Bearer" } : {};
}

/** Logs why a request is refused; gives the status that its client is told. What failed by itself lets nobody in. */
export function refused(log: Log, thrown: unknown, method?: string, path?: string): 401 | 403 | 503 {
  const request = { ...(method === undefined ? {} : { method }), ...(path === undefined ? {} : { path }) };
  if (thrown instanceof RefusedError) {
    const { code, message, hint, status } = thrown;
    log({ code, message, hint, status, ...request });
    return status;
  }
  const message = `the check failed: ${messageOf(thrown)}`;
  log({ code: "check_failed", message, status: 503, ...request, cause: thrown });
  return 503;
}
