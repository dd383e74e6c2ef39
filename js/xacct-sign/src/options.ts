import { type ErrorCode, messageOf, XacctSignError } from "./errors.js";

/**
 * The options, copied: what is changed later changes nothing. A name that is none is a mistake, such as `rolearn`.
 *
 * @throws XacctSignError `invalid_option`
 */
export function checkedOptions<T extends object>(options: T, names: readonly (keyof T)[], example: string): T {
  if (typeof options !== "object" || options === null) {
    const what = options === undefined || options === null ? "no options are given" : "the options are no object";
    throw new XacctSignError("invalid_option", what, { hint: `give ${example}` });
  }
  // Without a prototype: what it lacks is undefined.
  const copy: Partial<T> = Object.create(null);
  try {
    for (const name of Object.keys(options)) {
      if ((names as readonly string[]).includes(name) || options[name as keyof T] === undefined) continue;
      throw new XacctSignError("invalid_option", `\`${name}\` is no option`, { hint: `there are ${names.join(", ")}` });
    }
    for (const name of names) if (has(options, name)) copy[name] = options[name];
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    throw new XacctSignError("invalid_option", `an option cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: `give ${example}`,
    });
  }
  return copy as T;
}

/**
 * Refuses what is no object of options, and a name that is none of theirs, such as `expires_in`. Nothing is copied.
 *
 * @throws XacctSignError `invalid_option`
 */
export function checkNames(options: object | undefined, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new XacctSignError("invalid_option", "the options are no object", { hint: `there are ${names.join(", ")}` });
  }
  for (const name of Object.keys(options)) {
    if (names.includes(name) || options[name as keyof typeof options] === undefined) continue;
    throw new XacctSignError("invalid_option", `\`${name}\` is no option`, { hint: `there are ${names.join(", ")}` });
  }
}

/**
 * Whether an object, or the class it is of, has a property. What somebody put on `Object.prototype` is nobody's option.
 */
export function has(given: object, name: PropertyKey): boolean {
  if (Object.hasOwn(given, name)) return true;
  const of = Object.getPrototypeOf(given);
  if (of === null || !(name in of)) return false;
  // The last prototype of all is what every object has; another realm has its own.
  for (let at = of; Object.getPrototypeOf(at) !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) return true;
  }
  return false;
}

/** The property, if the object has it. */
export function read<T extends object, K extends keyof T>(given: T | null | undefined, name: K): T[K] | undefined {
  return given !== null && given !== undefined && has(given, name) ? given[name] : undefined;
}

/**
 * A name in a message. What is longer than names are, and not made of short words parted by hyphens, may be a secret in the
 * wrong place.
 */
export function quoted(name: string): string {
  const isName = name.length <= 32 || name.split("-").every((word) => word.length <= 16);
  return isName ? `\`${name}\`` : "`…`";
}

/**
 * The value if it is a string.
 *
 * @throws XacctSignError of the code
 */
export function requireString(value: unknown, code: ErrorCode, what: string, hint = "give a string"): string {
  if (typeof value === "string") return value;
  throw new XacctSignError(code, `${what} is not a string but ${value === null ? "null" : typeof value}`, { hint });
}

/**
 * Refuses what is neither of the type nor left out.
 *
 * @throws XacctSignError `invalid_option`
 */
export function requireType(value: unknown, type: "function" | "boolean", name: string): void {
  if (value === undefined || typeof value === type) return;
  throw new XacctSignError("invalid_option", `\`${name}\` is not a ${type}`, {
    hint: `give a ${type}, or leave it out`,
  });
}

/**
 * Milliseconds since 1970 of a `Date`.
 *
 * @throws XacctSignError `invalid_time`
 */
export function timeOf(now: unknown): number {
  const time =
    now instanceof Date || Object.prototype.toString.call(now) === "[object Date]" ? Number(now) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new XacctSignError("invalid_time", "`now` is no valid Date", { hint: "give a Date, or leave it out" });
}

/**
 * Milliseconds since 1970 by the user's clock.
 *
 * @throws XacctSignError `invalid_time`
 */
export function readClock(clock: () => Date): number {
  let now: unknown;
  try {
    now = clock();
  } catch (cause) {
    throw new XacctSignError("invalid_time", `\`now\` failed: ${messageOf(cause)}`, {
      cause,
      hint: "give a clock that tells a Date",
    });
  }
  return timeOf(now);
}
