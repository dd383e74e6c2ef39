/** What of a `RequestInit` is read, beside `headers` and `body`. */
export const FIELDS = [
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
