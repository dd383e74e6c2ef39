import { Clock } from "../host/clock.js";
import { everyCopys } from "../host/every-copy.js";

/** What else whoever asks with a source's credentials has to do with it. */
export interface Known {
  /** They share what STS says of the time. */
  readonly clock: Clock;
  /** The region that a role was given. */
  readonly region?: string | undefined;
  /** Tells a role the region of an API, unless it was given one. */
  learnRegion?(region: string): void;
}

const providers = () => everyCopys<Known>("xacct-sign.sources");

/** Keeps it as long as the provider is there. */
export function keepKnown(provider: object, known: Known): void {
  providers().set(provider, known);
}

/** What is known of a provider that is one of ours. */
export function knownOf(provider: unknown): Known | undefined {
  return typeof provider === "function" ? providers().get(provider) : undefined;
}

/** The clock of whoever asks with a source's credentials: that of the source, unless he was given one. */
export function clockFor(source: unknown, now: (() => Date) | undefined): Clock {
  return (now === undefined ? knownOf(source)?.clock : undefined) ?? new Clock(now);
}
