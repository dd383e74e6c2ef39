import { GRACE_SECONDS, POLL } from "../../wasm/constants.js";
import { within } from "../host/abort.js";
import type { Now } from "../host/clock.js";
import { guarded } from "../module/thrown.js";
import { randomSeed, ready, WasmRefresh } from "../module/wasm.js";
import { checkExpiration, type RoleCredentials } from "./credentials.js";

/** A fetch in flight. */
interface Turn {
  /** While the credentials that there are still serve: nobody counts on it. */
  readonly isEarly: boolean;
  readonly fetched: Promise<RoleCredentials>;
}

/**
 * The credentials of one source, for all who ask: fetched once per lifetime, with at most one fetch in flight. A fetch that fails
 * early leaves the old ones in use.
 */
export class Kept {
  readonly #refresh: WasmRefresh;
  readonly #fetch: (isEarly: boolean) => Promise<RoleCredentials>;
  readonly #now: Now;
  #current: RoleCredentials | undefined;
  #turn: Turn | undefined;
  /** Why the last fetch failed. */
  #error: unknown;

  /** @throws XacctSignError `wasm_unavailable` */
  constructor(fetch: (isEarly: boolean) => Promise<RoleCredentials>, now: Now) {
    ready();
    this.#refresh = new WasmRefresh(randomSeed());
    this.#fetch = fetch;
    this.#now = now;
  }

  /** Credentials that are valid now: a copy, since what the caller does with them is nobody else's business. */
  async credentials(forceRefresh = false): Promise<RoleCredentials> {
    const current = await this.#valid(forceRefresh);
    return { ...current, expiration: new Date(current.expiration) };
  }

  async #valid(forceRefresh: boolean): Promise<RoleCredentials> {
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

  #begin(isEarly: boolean): Turn {
    const turn: Turn = {
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

  async #fetched(isEarly: boolean): Promise<RoleCredentials> {
    // The turn has to be known before: what is asked now may ask this again.
    await undefined;
    const fetched = await this.#fetch(isEarly);
    // What has expired already is as good as nothing, and would be fetched again at once, forever.
    checkExpiration(fetched, this.#now(fetched.expiration));
    return fetched;
  }

  /** The outcome counts if no other turn has taken this one's place. */
  #settle(turn: Turn, fetched: RoleCredentials | undefined, error?: unknown): void {
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
