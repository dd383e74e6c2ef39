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

/**
 * The headers as pairs of strings, in their order.
 *
 * @throws XacctSignError `invalid_header`
 */
export function pairsOf(headers: HeadersInput | null | undefined): Pair[] {
  const pairs: Pair[] = [];
  each(headers, (name, value) => pairs.push([name, value]));
  return pairs;
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
    throw invalid(`the value of the header \`${name}\` is of type ${typeof value}`, "give a string");
  }
  for (const item of value) one(name, item, visit);
}

function invalid(message: string, hint?: string): XacctSignError {
  return new XacctSignError("invalid_header", message, { hint });
}

/**
 * @internal The headers as they go out: those given, and over them those that sign.
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
