import { ANSWER_LIMIT } from "../../wasm/constants.js";

/** How long all tries of a fetch may take: less than the ten seconds after which it is taken for lost. */
export const WHOLE_SECONDS = 8;

/** A failure that stands, however often it is tried. */
export class Final extends Error {}

/** Gives what is started, and the signal that ends it, so many seconds. */
export async function inTime<T>(seconds: number, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  // A `fetch` of somebody else's may not heed its signal.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Final(`no whole answer in ${seconds} s`);
      reject(error);
      controller.abort(error);
    }, seconds * 1000);
  });
  try {
    return await Promise.race([start(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A body as it comes: so much of it that the module sees that it is too long. */
export class LimitedBody {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** Adds a part; says whether more may come. */
  add(part: Uint8Array): boolean {
    this.#length += part.byteLength;
    this.#parts.push(part);
    return this.#length <= ANSWER_LIMIT;
  }

  whole(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    return whole;
  }
}
