import { type ErrorCode, messageOf, XacctSignError } from "./errors.js";

/**
 * The options, copied: what is changed later changes nothing. A name that is none is a mistake, such as `rolearn`.
 *
 * @throws XacctSignError `invalid_option`
 */
export function checkedOptions<T extends object>(options: T, names: readonly (keyof T)[], example: string): T {
  if (typeof options !== "object" || options === null) {
    throw new XacctSignError("invalid_option", "no options are given", { hint: `give ${example}` });
  }
  const copy: Partial<T> = {};
  try {
    for (const name of Object.keys(options)) {
      if ((names as readonly string[]).includes(name) || options[name as keyof T] === undefined) continue;
      throw new XacctSignError("invalid_option", `\`${name}\` is no option`, { hint: `there are ${names.join(", ")}` });
    }
    // By name: those of a class have their options in getters and prototypes.
    for (const name of names) if (name in options) copy[name] = options[name];
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
