import { XacctSignError } from "../errors.js";
import { LATE, untilAborted, within } from "./abort.js";
import { stopwatch } from "./clock.js";

/** Bodies that nobody can read any more need no deadline. Some runtimes have no such registry. */
const forgotten =
  typeof FinalizationRegistry === "function"
    ? new FinalizationRegistry((timer: number) => clearTimeout(timer))
    : undefined;

/** How long something may take: as long as its caller's signal says, or where there is none so many seconds. */
export class Deadline {
  readonly #seconds: number;
  readonly #own: AbortSignal | undefined;
  readonly #limit = new AbortController();
  readonly #elapsed = stopwatch();

  constructor(seconds: number, own?: AbortSignal | null) {
    this.#seconds = seconds;
    this.#own = own ?? undefined;
  }

  /** What ends it, to be handed to `fetch`. The caller's goes on as it is: chained to another, it would remember each call. */
  get signal(): AbortSignal {
    return this.#own ?? this.#limit.signal;
  }

  /** What is left, in seconds. */
  get left(): number {
    return this.#own === undefined ? this.#seconds - this.#elapsed() : Number.POSITIVE_INFINITY;
  }

  /** Throws the signal's reason if the caller has ended it. */
  throwIfAborted(): void {
    if (this.#own?.aborted) throw this.#own.reason;
  }

  /**
   * Waits for what is started. `what` says what is missing where there was not enough time.
   *
   * @throws XacctSignError `timeout`; an abort of the caller's signal comes through as its reason
   */
  async wait<T>(what: string, start: () => Promise<T>): Promise<T> {
    if (this.#own !== undefined) return untilAborted(start, this.#own);
    const given = await within(this.left, start());
    if (given === LATE) throw this.#end(`no ${what}`);
    return given;
  }

  /** Ends an answer that drips: who reads it is told. */
  watch(response: Response, host: string): void {
    if (this.#own !== undefined || !response.body) return;
    const end = () => this.#end(`the answer of \`${host}\` did not end`);
    const timer: unknown = setTimeout(end, this.left * 1000);
    // When the body was read nobody says: a program that is done must not wait for this, and one that goes on not keep it.
    const { Deno } = globalThis as { Deno?: { unrefTimer?(timer: unknown): void } };
    if (typeof timer === "number") Deno?.unrefTimer?.(timer);
    else (timer as { unref?(): void }).unref?.();
    forgotten?.register(response.body, timer as number);
  }

  #end(what: string): XacctSignError {
    const error = new XacctSignError("timeout", `${what} in ${Math.round(this.#seconds)} seconds`, {
      retryable: true,
      hint: "check the address and the network; a call that may take longer has a `signal` of its own",
    });
    this.#limit.abort(error);
    return error;
  }
}
