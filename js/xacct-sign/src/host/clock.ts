import { TOLERATED_SKEW_SECONDS } from "../../wasm/constants.js";
import { readClock } from "../options.js";

/** What a clock says: of credentials that were just given, if their expiration is given with it. */
export type Now = (given?: Date) => number;

/** Of how many origins it is kept what they say of the time. Only those are, whose clock is another than what was known. */
const KEPT = 64;

/**
 * The clock that signatures are made by: the machine's, set right by what STS says of the time.
 *
 * What an API says of it is its own word. It counts for signatures to that origin alone: not for what other origins get, for tokens and
 * proofs, or for when anything expires.
 */
export class Clock {
  readonly #read: () => Date;
  #skewSeconds = 0;
  /** What origins say. The one that spoke last stands at the end. */
  readonly #origins = new Map<string, number>();

  constructor(read: (() => Date) | undefined) {
    this.#read = read ?? (() => new Date());
  }

  /** By how much STS's clock is known to be ahead. */
  get skewSeconds(): number {
    return this.#skewSeconds;
  }

  /** What signatures to a URL take: what its origin itself said, else what STS did. */
  skewAt(url: string): number {
    const said = this.#origins.size === 0 ? undefined : this.#origins.get(new URL(url).origin);
    return said ?? this.#skewSeconds;
  }

  /**
   * What STS's clock says, in milliseconds since 1970: as far as is known now, or was when a signature was made.
   *
   * @throws XacctSignError `invalid_time`
   */
  now(skewSeconds: number = this.#skewSeconds): number {
    return readClock(this.#read) + skewSeconds * 1000;
  }

  /**
   * What it says of credentials that were just given, with this expiration. Where only what was learned has them as expired, that is
   * forgotten: the machine's clock may have been set right since, and good credentials must not wait for the next answer of STS. If it
   * was true, that one says so again.
   *
   * @throws XacctSignError `invalid_time`
   */
  nowFor(expiration: Date | undefined): number {
    const ends = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    if (ends <= this.now() && ends > this.now(0)) this.#skewSeconds = 0;
    return this.now();
  }

  /**
   * Takes note of what more there was than was known: of STS's clock, or of that at a URL. Whether that is news: of many who learn it
   * at once, one is told so.
   */
  learn(known: number, more: number, url?: string): boolean {
    if ((url === undefined ? this.#skewSeconds : this.skewAt(url)) !== known) return false;
    if (url === undefined) {
      this.#skewSeconds = known + more;
      return true;
    }
    const { origin } = new URL(url);
    const [first] = this.#origins.keys();
    if (!this.#origins.delete(origin) && this.#origins.size === KEPT) this.#origins.delete(first as string);
    this.#origins.set(origin, known + more);
    return true;
  }
}

/** What an answer has of it. No name of the host's: this stands in the declarations, which some read without them. */
interface Answered {
  readonly headers?: { get?(name: string): string | null };
}

/** By how many seconds the clock that said `now` is behind, by an answer's `Date`; zero if that does no harm. */
export function skewOf({ headers }: Answered, now: number): number {
  // Of all that `Date.parse` makes a date of, the one form that servers send (RFC 9110, section 5.6.7): a zone that is left out is ours.
  const text = headers?.get?.("date") ?? "";
  const date = /^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  const seconds = Math.trunc((date - now) / 1000);
  return Math.abs(seconds) > TOLERATED_SKEW_SECONDS ? seconds : 0;
}

/** Counts the seconds from now on, by a clock that nobody sets. */
export function stopwatch(): () => number {
  // Some versions of jest's jsdom have no `performance`.
  const ticks = () => globalThis.performance?.now() ?? Date.now();
  const from = ticks();
  return () => (ticks() - from) / 1000;
}
