import { guarded, XacctSignError } from "./errors.js";
import { requireString } from "./options.js";
import { canonicalUrl as canonicalUrlOf, isPrivate, origin, ready } from "./wasm.js";

/**
 * The URL in the form that is signed, and that HTTP clients send unchanged.
 *
 * @throws XacctSignError `invalid_url`
 */
export function canonicalUrl(url: string | { readonly href: string }): string {
  const text = textOf(url);
  ready();
  return guarded(() => canonicalUrlOf(text));
}

/** @internal A URL as text. */
export function textOf(url: string | { readonly href: string }): string {
  return requireString(typeof url === "string" ? url : url?.href, "invalid_url", "the URL", "give a string or a URL");
}

/** @internal Refuses a URL to which a signed request must not go. */
export function checkPrivate(url: string): void {
  if (guarded(() => isPrivate(url))) return;
  throw new XacctSignError("insecure_url", `\`${origin(url)}\` would get a signed request over plain http`, {
    hint: "use https; plain http is for loopback only",
  });
}
