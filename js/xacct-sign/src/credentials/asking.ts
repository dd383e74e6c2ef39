import { TIMEOUT_SECONDS, TRY_SECONDS } from "../../wasm/constants.js";
import { XacctSignError } from "../errors.js";
import { learned, type OnEvent } from "../events.js";
import { sleep } from "../host/abort.js";
import { type Clock, type Now, skewOf } from "../host/clock.js";
import { Deadline } from "../host/deadline.js";
import type { Fetch } from "../host/platform.js";
import { type Answer, isSpecific, postToSts } from "../host/transport.js";
import { newRetry } from "../module/machines.js";
import { fromModule, skewIn } from "../module/thrown.js";
import { type Credentials, type CredentialsInput, resolve } from "./credentials.js";

/** Who asks STS for what. */
export interface Asking {
  readonly action: string;
  readonly base: CredentialsInput;
  readonly clock: Clock;
  readonly now: Now;
  readonly fetch?: Fetch | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/** Asks once; throws what the module throws. */
type Once<T> = (base: Credentials, known: number, deadline: Deadline) => Promise<T>;

/** The provider of the base credentials and STS's answers to their ends, together: until there is one, or an error that stands. */
export async function ask<T>(asking: Asking, once: Once<T>): Promise<T> {
  const deadline = new Deadline(TIMEOUT_SECONDS);
  const retry = newRetry();
  for (let knowsSkew = false; ; ) {
    // Asked anew for each try: what STS refuses may have expired meanwhile.
    const base = await deadline.wait("base credentials", () => resolve(asking.base, asking.now));
    const known = asking.clock.skewSeconds;
    try {
      return await once(base, known, new Deadline(Math.min(TRY_SECONDS, deadline.left)));
    } catch (thrown) {
      const [skew, error] = [skewIn(thrown), fromModule(thrown) as XacctSignError];
      learned(asking.clock, known, skew, asking.onEvent);
      if (skew !== 0 && !knowsSkew) {
        // The next signature is right.
        knowsSkew = true;
        continue;
      }
      const pause = error.retryable ? retry.failed(error.code === "sts_throttled") : -1;
      if (pause < 0 || pause / 1000 >= deadline.left) throw error;
      await sleep(pause);
    }
  }
}

/** Sends the lines of a request that was signed for https, by a clock that is known to be off. */
export async function post(
  { action, fetch, clock, onEvent }: Asking,
  known: number,
  request: string,
  { region, isPlainHttp }: { readonly region: string | undefined; readonly isPlainHttp: boolean },
  deadline: Deadline,
): Promise<Answer> {
  try {
    const answer = await postToSts(isPlainHttp ? request.replace(/^https/, "http") : request, fetch, deadline);
    // STS takes signatures that are a quarter of an hour off, and APIs take five minutes: where it takes one, its `Date` alone says so.
    if (answer.status === 200) learned(clock, known, skewOf(answer.response, clock.now(known)), onEvent);
    return answer;
  } catch (thrown) {
    const error = thrown as XacctSignError;
    if (!error.retryable) throw error;
    throw new XacctSignError(error.code, `STS was not reached: ${error.message}`, {
      cause: error,
      retryable: true,
      action,
      hint: isSpecific(error.hint)
        ? error.hint
        : "this was STS, not the API: a VPC without a way to the internet needs an interface endpoint for " +
          `\`com.amazonaws.${region}.sts\`, with private DNS`,
    });
  }
}

/** By the earlier of both clocks, as they are known by now: whether what was given has expired by the other is asked where it is kept. */
export function answeredAt(clock: Clock): number {
  return Math.min(clock.now(clock.skewSeconds), clock.now(0));
}
