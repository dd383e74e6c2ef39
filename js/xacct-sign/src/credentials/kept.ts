import { GRACE_SECONDS, POLL } from "../../wasm/constants.js";
import { within } from "../host/abort.js";
import type { Now } from "../host/clock.js";
import { newRefresh, type Refresh } from "../module/machines.js";
import { guarded } from "../module/thrown.js";
import { checkExpiration } from "./credentials.js";

/** What is fetched, and ends: a role's credentials, a token. */
export interface Lasting {
  readonly expiration: Date;
}

/** A fetch in flight. */
interface Turn<T> {
  /** While what there is still serves: nobody counts on it. */
  readonly isEarly: boolean;
  readonly fetched: Promise<T>;
}

/**
 * What one source gives, for all who ask: fetched once per lifetime, with at most one fetch in flight. A fetch that fails
 * early leaves the old one in use.
 */
export class Kept<T extends Lasting> {
  readonly #refresh: Refresh;
  readonly #fetch: (isEarly: boolean) => Promise<T>;
  readonly #now: Now;
  #current: T | undefined;
  #turn: Turn<T> | undefined;
  /** Why the last fetch failed. */
  #error: unknown;

  /** @throws XacctSignError `wasm_unavailable` */
  constructor(fetch: (isEarly: boolean) => Promise<T>, now: Now) {
    this.#refresh = newRefresh();
    this.#fetch = fetch;
    this.#now = now;
  }

  /** What is valid now: a copy, since what the caller does with it is nobody else's business. */
  async current(forceRefresh = false): Promise<T> {
    const current = await this.#valid(forceRefresh);
    return { ...current, expiration: new Date(current.expiration) };
  }

  async #valid(forceRefresh: boolean): Promise<T> {
    if (forceRefresh) return (this.#turn ?? this.#begin(false)).fetched;
    for (;;) {
      const now = this.#now();
      const poll = guarded(() => this.#refresh.poll(now));
      if (poll === POLL.use && this.#current !== undefined) return this.#current;
      if (poll === POLL.failed) throw this.#error;
      const turn = this.#turn ?? this.#begin(poll === POLL.useAndRefresh);
      if (poll !== POLL.useAndRefresh && !turn.isEarly) return turn.fetched;
      // Awaited for a while rather than left behind: a function that has answered is frozen, and its calls with it.
      await within(GRACE_SECONDS, turn.fetched).catch(() => undefined);
      if (poll === POLL.wait && this.#turn === turn) {
        // What was to come in time did not: it is asked for anew.
        this.#turn = undefined;
        this.#refresh.abandoned();
      }
      // Time went by: what there is may have come to its end meanwhile.
    }
  }

  #begin(isEarly: boolean): Turn<T> {
    const turn: Turn<T> = {
      isEarly,
      fetched: this.#fetched(isEarly).then(
        (fetched) => {
          this.#settle(turn, fetched);
          return fetched;
        },
        (error) => {
          this.#settle(turn, undefined, error);
          throw error;
        },
      ),
    };
    this.#turn = turn;
    return turn;
  }

  async #fetched(isEarly: boolean): Promise<T> {
    // The turn has to be known before: what is asked now may ask this again.
    await undefined;
    const fetched = await this.#fetch(isEarly);
    // What has expired already is as good as nothing, and would be fetched again at once, forever.
    checkExpiration(fetched.expiration, this.#now(fetched.expiration));
    return fetched;
  }

  /** The outcome counts if no other turn has taken this one's place. */
  #settle(turn: Turn<T>, fetched: T | undefined, error?: unknown): void {
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    this.#error = error;
    if (fetched === undefined) {
      this.#remember();
      return;
    }
    guarded(() => this.#refresh.succeeded(fetched.expiration.getTime(), this.#now()));
    this.#current = fetched;
  }

  /** That a fetch has failed, unless the clock is what failed. */
  #remember(): void {
    try {
      this.#refresh.failed(this.#now());
    } catch {
      // Without a time there is nothing to wait for.
      this.#refresh.abandoned();
    }
  }
}
