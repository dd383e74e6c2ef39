import { HTTP_HEADERS } from "../../wasm/constants.js";
import { XacctSignError } from "../errors.js";
import { quoted } from "../options.js";

/**
 * A header's value: `undefined` and `null` are skipped, numbers and booleans become strings, the items of an array become one
 * value, joined by a comma and a space as `fetch` does it.
 */
export type HeaderValue = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Headers as `fetch` takes them, or as a plain object or pairs with values that may be missing. */
export type HeadersInput =
  | { readonly [name: string]: HeaderValue }
  | Iterable<readonly [name: string, value: HeaderValue] | readonly string[]>;

/** One header. */
export type Pair = readonly [name: string, value: string];

/**
 * A text as one of the lines of which the module takes a request. A line feed of its own becomes a carriage return, which is
 * refused alike.
 */
export function line(text: string): string {
  return text.includes("\n") ? `${text.replaceAll("\n", "\r")}\n` : `${text}\n`;
}

/**
 * The headers as lines, name and value in turn.
 *
 * @throws XacctSignError `invalid_header`
 */
export function linesOf(headers: HeadersInput | null | undefined): string {
  let lines = "";
  each(headers, (name, value) => {
    lines += line(name) + line(value);
  });
  return lines;
}

type Visit = (name: string, value: string) => unknown;

function each(headers: HeadersInput | null | undefined, visit: Visit): void {
  if (headers === undefined || headers === null) return;
  if (typeof headers !== "object")
    throw invalid("the headers are no object", "give an object, pairs or a Headers object");
  if (Symbol.iterator in headers) {
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2) throw invalid("the headers hold something else than pairs");
      one(pair[0], pair[1], visit);
    }
  } else {
    for (const name of Object.keys(headers)) one(name, headers[name], visit);
  }
}

function one(name: unknown, value: unknown, visit: Visit): void {
  if (value === undefined || value === null) return;
  if (typeof name !== "string") throw invalid("a header's name is not a string");
  switch (typeof value) {
    case "string":
      visit(name, value);
      return;
    case "number":
    case "boolean":
    case "bigint":
      visit(name, String(value));
      return;
  }
  if (!Array.isArray(value)) {
    throw invalid(`the value of the header ${quoted(name)} is of type ${typeof value}`, "give a string");
  }
  const items: string[] = [];
  for (const item of value) one(name, item, (_, text) => items.push(text));
  if (items.length > 0) visit(name, items.join(", "));
}

function invalid(message: string, hint = "give names and values as strings"): XacctSignError {
  return new XacctSignError("invalid_header", message, { hint });
}

/** @internal Whether `fetch` sets the header of this name in lower case itself, or drops it. */
export function isOfFetch(name: string): boolean {
  return name === "host" || name === "set-cookie" || name.startsWith("sec-");
}

/**
 * @internal The headers as `fetch` sends them: those that are repeated in one, those that it sets itself left out. Those that a
 * request cannot have are refused, or dropped where they come from a Request that is passed on.
 *
 * @throws XacctSignError `invalid_header` for what `fetch` would change after it was signed
 */
export function sendableHeaders(given: HeadersInput | null | undefined, reserved: "refuse" | "drop"): Headers {
  const headers = new Headers();
  each(given, (name, value) => {
    const lower = name.toLowerCase();
    if (lower !== "host" && HTTP_HEADERS.includes(lower)) return;
    if (isOfFetch(lower)) {
      if (reserved === "drop") return;
      throw invalid(
        `the header \`${name}\` is set by fetch itself`,
        "leave it out; a Signer signs it for other clients",
      );
    }
    try {
      headers.append(name, value);
    } catch {
      // What the host throws shows the value, which may be a secret.
      throw invalid(
        `the header ${quoted(name)} cannot be sent`,
        "a name is letters, digits and hyphens, a value has no line break",
      );
    }
    // fetch sends such a character as one byte, and UTF-8 is what gets signed.
    if (/[^\t\x20-\x7e]/.test(headers.get(name) ?? "")) {
      throw invalid(
        `the value of the header ${quoted(name)} holds a character outside printable ASCII`,
        "encode the value, for instance with encodeURIComponent",
      );
    }
  });
  return headers;
}

/** @internal Those headers, and over them those that sign. */
export function signedHeaders(pairs: readonly Pair[], signed: Readonly<Record<string, string>>): Headers {
  const headers = new Headers(pairs as [string, string][]);
  for (const name of Object.keys(signed)) headers.set(name, signed[name] as string);
  return headers;
}
