import type { HostAbortSignal } from "./platform.js";

/** Waits, unless the signal ends that: then it rejects with the signal's reason. What was started goes on. */
export async function untilAborted<T>(start: () => Promise<T>, given: HostAbortSignal | null | undefined): Promise<T> {
  const signal = given as AbortSignal | null | undefined;
  if (signal?.aborted) throw signal.reason ?? Object.assign(new Error("the call was aborted"), { name: "AbortError" });
  if (typeof signal?.addEventListener !== "function") return start();
  return new Promise<T>((fulfil, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    start()
      .then(fulfil, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

/** That a promise took too long. */
export const LATE = Symbol("late");

/** What the promise gives, or `LATE` if it takes longer; it goes on. */
export async function within<T>(seconds: number, promise: Promise<T>): Promise<T | typeof LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((fulfil) => {
    timer = setTimeout(fulfil, seconds * 1000, LATE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits so long. */
export async function sleep(milliseconds: number): Promise<void> {
  return new Promise((fulfil) => {
    setTimeout(fulfil, milliseconds);
  });
}
