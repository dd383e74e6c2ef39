import type { Credentials } from "../credentials/credentials.js";
import { everyCopys } from "../host/every-copy.js";
import type { Hashed, UNSIGNED_PAYLOAD } from "../signing/body.js";
import type { Pair } from "../signing/headers.js";

/** What was sent of a call: what `xacct-sign/explain` reads. */
export type Sent = SignedSent | BearerSent;

/** With a token or a proof, in whatever it was answered with: a page may be the server's own. */
export interface BearerSent {
  readonly method: string;
  readonly url: string;
  readonly bearer: string;
}

/** Of what was signed, and refused. */
export interface SignedSent {
  readonly method: string;
  readonly url: string;
  /** Without those of the signature. */
  readonly pairs: readonly Pair[];
  readonly signed: Readonly<Record<string, string>>;
  readonly payload: Uint8Array | Hashed | typeof UNSIGNED_PAYLOAD | undefined;
  readonly credentials: Credentials;
  /** When the answer came, by the machine's clock, in milliseconds since 1970. */
  readonly answeredAt: number;
}

const answers = () => everyCopys<Sent>("xacct-sign.sent");

/** Keeps it as long as the answer is there. */
export function keepSent(response: object, sent: Sent): void {
  answers().set(response, sent);
}

/** What was sent for an answer, if that is known. */
export function sentOf(response: object): Sent | undefined {
  return answers().get(response);
}
