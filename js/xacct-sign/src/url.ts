import { XacctSignError } from "./errors.js";
import type { HttpHosts } from "./http-hosts.js";
import { originOf } from "./module/machines.js";
import { guarded } from "./module/thrown.js";
import { canonicalUrl as canonicalUrlOf, checkReachable, ready } from "./module/wasm.js";
import { requireString } from "./options.js";

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

/**
 * @internal Whether the runtime takes a canonical URL for the same place: it reads `https://0x7f.1/` as 127.0.0.1.
 */
export function isSamePlace(url: string): boolean {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}` === originOf(url);
  } catch {
    return false;
  }
}

/**
 * @internal The URL in the form that is signed, if `fetch` can send a signed request there.
 *
 * @throws XacctSignError `invalid_url`, `insecure_url`, `already_signed`
 */
export function sendableUrl(given: string | { readonly href: string }, hosts: HttpHosts): string {
  const url = canonicalUrl(given);
  if (!/^https?:/.test(url) || !isSamePlace(url)) {
    throw new XacctSignError("invalid_url", `fetch would not send to \`${originOf(url)}\` as it was signed`, {
      hint: "give an https URL with a host's name, or its address in the usual form",
    });
  }
  checkPlace(url, hosts);
  return url;
}

/**
 * @internal Refuses a URL that is signed already, or to which a signed request must not go.
 *
 * @throws XacctSignError `insecure_url`, `already_signed`
 */
export function checkPlace(url: string, hosts: HttpHosts): void {
  try {
    guarded(() => checkReachable(url));
  } catch (error) {
    // That it is plain http is the last thing that the module finds.
    if ((error as XacctSignError).code !== "insecure_url" || !hosts.allow(new URL(url))) throw error;
  }
}
