import type { Caller } from "./caller.js";

/** What the faces for servers ask of a verifier. */
export interface Checks {
  check(
    authorization: string | readonly string[] | null | undefined,
    method: string | readonly string[],
    path: string | readonly string[],
  ): Promise<Caller>;
  fromEvent(event: object | string): Promise<Caller>;
}
