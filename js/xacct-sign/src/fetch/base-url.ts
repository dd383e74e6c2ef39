import { messageOf, XacctSignError } from "../errors.js";
import type { HttpHosts } from "../http-hosts.js";
import { origin } from "../module/wasm.js";
import { canonicalUrl, sendableUrl, textOf } from "../url.js";

/** What paths are appended to; the same rules as those of `core::call::BaseUrl`, to which `tests/flows.toml` holds both. */
export class BaseUrl {
  readonly #url: string;
  readonly #hosts: HttpHosts;

  /** @throws XacctSignError `invalid_endpoint`, `insecure_url` */
  constructor(given: string | { readonly href: string }, hosts: HttpHosts) {
    const hint = "give a URL such as `https://api.example.com/v1`";
    let text: string;
    try {
      text = textOf(given);
      this.#url = sendableUrl(text, hosts);
    } catch (cause) {
      // Without the module there is nothing wrong with the URL.
      if (cause instanceof XacctSignError && ["insecure_url", "wasm_unavailable"].includes(cause.code)) throw cause;
      const message = `the base URL is not a usable URL: ${messageOf(cause)}`;
      throw new XacctSignError("invalid_endpoint", message, { cause, hint });
    }
    this.#hosts = hosts;
    if (/[?#]/.test(text)) {
      throw new XacctSignError("invalid_endpoint", "the base URL has a query or a fragment", { hint });
    }
  }

  /**
   * A path behind the base, or a URL of its origin, in the form that is signed.
   *
   * @throws XacctSignError `origin_mismatch`, and as `sendableUrl`
   */
  resolve(given: string | { readonly href: string }): string {
    const [url] = textOf(given).split("#", 1) as [string];
    if (/^[^/?#]+:\/\//.test(url)) {
      // Which origin it has comes first: what is wrong elsewhere is nobody's concern here.
      if (origin(canonicalUrl(url)) !== origin(this.#url)) throw outside(url);
      return sendableUrl(url, this.#hosts);
    }
    if (url.startsWith("//")) throw outside(url);
    const separator = url === "" || /^[/?]/.test(url) ? "" : "/";
    return sendableUrl(this.#url.replace(/\/+$/, "") + separator + url, this.#hosts);
  }
}

function outside(url: string): XacctSignError {
  let place = "the URL";
  try {
    place = `\`${origin(canonicalUrl(url))}\``;
  } catch {
    // Such as `//host`, which is no URL by itself.
  }
  return new XacctSignError("origin_mismatch", `${place} lies outside the base URL's origin`, {
    hint: "give a path, or make a `fetch` of its own for the other API: a signature must not go elsewhere",
  });
}
