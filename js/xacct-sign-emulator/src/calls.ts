// What was sent to the APIs.

/** A call of an API, whatever came of it. */
export interface Call {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** What was answered. */
  readonly status: number;
  readonly stage: string;
  /** The manifest's name of who called; null where nobody known signed rightly. */
  readonly caller: string | null;
}

/** @internal Keeps calls in the order in which they came. They are in the list before they are answered. */
export class Calls {
  readonly list: Call[] = [];
  readonly #numbers = new WeakMap<Call, number>();
  #came = 0;
  /** The number of the first that counts. */
  #first = 0;

  /** A call that has come: what is returned takes what came of it. */
  came(): (call: Call) => void {
    const number = this.#came++;
    return (call) => {
      // It was sent before the list was emptied.
      if (number < this.#first) return;
      this.#numbers.set(call, number);
      let index = this.list.length;
      while (index > 0 && this.#numberOf(this.list[index - 1]) > number) index -= 1;
      this.list.splice(index, 0, call);
    };
  }

  /** Empties the list; what is still under way does not get into it any more. */
  clear(): void {
    this.list.length = 0;
    this.#first = this.#came;
  }

  #numberOf(call: Call | undefined): number {
    return (call && this.#numbers.get(call)) ?? 0;
  }
}
