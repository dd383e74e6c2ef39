/** A need that another check is meeting is met within so long, or asked anew. */
const MILLISECONDS = 10_000;

/** Where checks wait until another one has reported what it got. */
export class Gate {
  #waiting: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  /** Until something is reported, ten seconds at most. */
  wait(): Promise<void> {
    this.#waiting ??= this.#close();
    return this.#waiting.opened;
  }

  /** Lets all go on that wait. */
  open(): void {
    this.#waiting?.open();
    this.#waiting = undefined;
  }

  #close() {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.open(), MILLISECONDS);
      open = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return { opened, open };
  }
}
