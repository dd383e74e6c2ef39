import { readClock } from "../options.js";

/** What a clock says: of credentials that were just given, if their expiration is given with it. */
export type Now = (given?: Date) => number;

/** The clock that signatures are made by: the machine's, set right by what AWS was seen to have. */
export class Clock {
  readonly #read: () => Date;
  #skewSeconds = 0;

  constructor(read: (() => Date) | undefined) {
    this.#read = read ?? (() => new Date());
  }

  /** By how much AWS's clock is known to be ahead. */
  get skewSeconds(): number {
    return this.#skewSeconds;
  }

  /**
   * What AWS's clock says, in milliseconds since 1970: as far as is known now, or was when a signature was made.
   *
   * @throws XacctSignError `invalid_time`
   */
  now(skewSeconds: number = this.#skewSeconds): number {
    return readClock(this.#read) + skewSeconds * 1000;
  }

  /**
   * What it says of credentials that were just given, with this expiration. Where only what was learned has them as expired, that is
   * forgotten: one answer with a wrong `Date` must not end a program whose credentials are good. If it was true, the next refusal
   * says so again.
   *
   * @throws XacctSignError `invalid_time`
   */
  nowFor(expiration: Date | undefined): number {
    const ends = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    if (ends <= this.now() && ends > this.now(0)) this.#skewSeconds = 0;
    return this.now();
  }

  /** Takes note of what more there was than was known. Whether that is news: of many who learn it at once, one is told so. */
  learn(known: number, more: number): boolean {
    if (this.#skewSeconds !== known) return false;
    this.#skewSeconds = known + more;
    return true;
  }
}

/** Counts the seconds from now on, by a clock that nobody sets. */
export function stopwatch(): () => number {
  // Some versions of jest's jsdom have no `performance`.
  const ticks = () => globalThis.performance?.now() ?? Date.now();
  const from = ticks();
  return () => (ticks() - from) / 1000;
}
