import { readClock } from "../options.js";

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
