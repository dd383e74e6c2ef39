// What was sent to the APIs, and to STS.

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
  /**
   * Why it was refused, or the upstream failed: a code of the emulator's log and what happened, which no API says. It is none of those that
   * are compared or listed, and undefined where the call was let in.
   */
  readonly reason?: string;
}

/** @internal Keeps calls in the order in which they came. */
export class Calls {
  /** Those of APIs. */
  readonly list: Call[] = [];
  /** Those of STS, where somebody asks what was refused. */
  readonly #ofSts: Call[] | undefined;

  constructor({ keepsSts }: { keepsSts: boolean }) {
    this.#ofSts = keepsSts ? [] : undefined;
  }

  /** A call that has come, of STS where its stage is empty: what is returned takes what is known of it later. */
  came(call: Call): (known: Pick<Call, "status" | "caller">, reason?: string) => void {
    const list = call.stage === "" ? this.#ofSts : this.list;
    if (list === undefined) return () => {};
    let shown = Object.freeze(call);
    list.push(shown);
    return (known, reason) => {
      const index = list.lastIndexOf(shown);
      // Not enumerable: tests say what was called, in words that stay.
      shown = Object.freeze(Object.defineProperty({ ...shown, ...known }, "reason", { value: reason }));
      // The list was emptied since.
      if (index >= 0) list[index] = shown;
    };
  }

  /** What was refused, by STS first, a line each. */
  refused(): string[] {
    return [...(this.#ofSts ?? []), ...this.list].flatMap(({ stage, method, path, status, reason }) =>
      reason === undefined ? [] : [`${stage || "sts"} ${method} ${path} ${status} ${reason}`],
    );
  }

  /** Empties the list; what is still under way does not get into it any more. */
  clear(): void {
    this.list.length = 0;
    this.#ofSts?.splice(0);
  }
}
