// What was sent to the APIs.

/** A call of an API, whatever came of it. */
export interface Call {
  readonly method: string;
  /** The path as it was sent, without the query. */
  readonly path: string;
  /** What was answered; null as long as nothing is, and for good where the caller went away, or the emulator was closed, before. */
  readonly status: number | null;
  readonly stage: string;
  /** The manifest's name of who called; null where nobody known signed rightly, and until the whole request is there. */
  readonly caller: string | null;
}

/** @internal Keeps calls in the order in which they came. */
export class Calls {
  readonly list: Call[] = [];

  /** A call that has come: what is returned takes what is known of it later. */
  came(call: Call): (known: Pick<Call, "status" | "caller">) => void {
    let shown = Object.freeze(call);
    this.list.push(shown);
    return (known) => {
      const index = this.list.lastIndexOf(shown);
      shown = Object.freeze({ ...shown, ...known });
      // The list was emptied since.
      if (index >= 0) this.list[index] = shown;
    };
  }

  /** Empties the list; what is still under way does not get into it any more. */
  clear(): void {
    this.list.length = 0;
  }
}
