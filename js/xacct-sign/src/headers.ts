import { XacctSignError } from "./errors.js";

/** A header's value: `undefined` and `null` are skipped, numbers and booleans become strings. */
export type HeaderValue = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Headers as `fetch` takes them, or as a plain object or pairs with values that may be missing. */
export type HeadersInput =
  | { readonly [name: string]: HeaderValue }
  | Iterable<readonly [name: string, value: HeaderValue] | readonly string[]>;

/** One header. */
export type Pair = readonly [name: string, value: string];

/**
 * The headers as pairs of strings, in their order.
 *
 * @throws XacctSignError `invalid_header`
 */
export function pairsOf(headers: HeadersInput | null | undefined): Pair[] {
  const pairs: Pair[] = [];
  if (headers === undefined || headers === null) return pairs;
  if (typeof headers !== "object")
    throw invalid("the headers are no object", "give an object, pairs or a Headers object");
  if (Symbol.iterator in headers) {
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2) throw invalid("the headers hold something else than pairs");
      append(pairs, pair[0], pair[1]);
    }
  } else {
    for (const name of Object.keys(headers)) append(pairs, name, (headers as Record<string, unknown>)[name]);
  }
  return pairs;
}

/** Name, line feed, value, line feed, for each: what the module takes. */
export function joined(pairs: readonly Pair[]): string {
  let text = "";
  for (const [name, value] of pairs) text += `${name}\n${value}\n`;
  return text;
}

function append(pairs: Pair[], name: unknown, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof name !== "string") throw invalid("a header's name is not a string");
  if (Array.isArray(value)) {
    for (const each of value) append(pairs, name, each);
    return;
  }
  const kind = typeof value;
  if (kind !== "string" && kind !== "number" && kind !== "boolean" && kind !== "bigint") {
    throw invalid(`the value of the header \`${name}\` is of type ${kind}`, "give a string");
  }
  const text = String(value);
  if (hasLineBreak(text) || hasLineBreak(name)) {
    throw invalid(
      `the header ${JSON.stringify(name)} holds a line break`,
      "remove it: a line break in a header's value would begin another header",
    );
  }
  pairs.push([name, text]);
}

function hasLineBreak(text: string): boolean {
  return text.includes("\n") || text.includes("\r");
}

function invalid(message: string, hint?: string): XacctSignError {
  return new XacctSignError("invalid_header", message, { hint });
}

/**
 * The headers as they go out: those given, and over them those that sign.
 *
 * @throws XacctSignError `invalid_header` for what `fetch` would send as other bytes than were signed
 */
export function outgoing(pairs: readonly Pair[], signed: Readonly<Record<string, string>>): Headers {
  const headers = new Headers();
  try {
    for (const [name, value] of pairs) {
      // fetch sends such a character as one byte, and UTF-8 is what gets signed.
      if (/[^\t\x20-\x7e]/.test(value)) throw new TypeError("it holds a character outside printable ASCII");
      if (!(name.toLowerCase() in signed)) headers.append(name, value);
    }
  } catch (cause) {
    throw new XacctSignError("invalid_header", `a header cannot be sent: ${(cause as Error).message}`, {
      cause,
      hint: "encode the value, for instance with encodeURIComponent",
    });
  }
  for (const name of Object.keys(signed)) headers.set(name, signed[name] as string);
  return headers;
}
