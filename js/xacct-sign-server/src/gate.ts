import { PLACES } from "../wasm/constants.js";

/** A need that another check is meeting is met within so long, or asked anew. */
const MILLISECONDS = 10_000;
/** How often one looks that nobody may wake. */
const LOOK_MILLISECONDS = 25;

interface Waiting {
  isOver: boolean;
  wake(): void;
}

/** Where checks wait until another one has reported what they need. */
export class Gate {
  readonly #isWoken: boolean;
  readonly #waiting = new Map<string, Set<Waiting>>();
  /** How many are taken. */
  readonly #taken = new Map<string, number>();

  /**
   * Who waits is woken by who reports; or looks himself, from time to time. On Workers a request that awaits what another one settles may
   * wait for ever: with compatibility dates before `handle_cross_request_promise_resolution` (2024-10-14).
   */
  constructor(isWoken: boolean) {
    this.#isWoken = isWoken;
  }

  /**
   * Takes a place, of which there are so many of each name, and gives what leaves it; nothing where none is left. Garbage that anybody can
   * make holds up nobody who is known, and of one issuer nobody of another.
   */
  enter(place: string): (() => void) | undefined {
    const taken = this.#taken.get(place) ?? 0;
    if (taken === PLACES) return undefined;
    this.#taken.set(place, taken + 1);
    return () => {
      const left = (this.#taken.get(place) ?? 0) - 1;
      if (left > 0) this.#taken.set(place, left);
      else this.#taken.delete(place);
    };
  }

  /** Until something is reported of what is waited for, ten seconds at most. */
  async wait(on: string): Promise<void> {
    const waiting: Waiting = { isOver: false, wake() {} };
    const all = this.#waiting.get(on) ?? new Set();
    this.#waiting.set(on, all.add(waiting));
    try {
      if (this.#isWoken) await woken(waiting);
      else
        for (let left = MILLISECONDS; left > 0 && !waiting.isOver; left -= LOOK_MILLISECONDS)
          await slept(LOOK_MILLISECONDS);
    } finally {
      // Others may wait for it by now, in another set.
      all.delete(waiting);
      if (all.size === 0 && this.#waiting.get(on) === all) this.#waiting.delete(on);
    }
  }

  /** Lets all go on that wait for it, and nobody else. */
  open(on: string): void {
    const all = this.#waiting.get(on) ?? [];
    this.#waiting.delete(on);
    for (const waiting of all) {
      waiting.isOver = true;
      waiting.wake();
    }
  }
}

function woken(waiting: Waiting): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, MILLISECONDS);
    waiting.wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

function slept(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
