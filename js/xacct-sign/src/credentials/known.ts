import { Clock } from "../host/clock.js";

/** What else whoever asks with a source's credentials has to do with it. */
export interface Known {
  /** They share what STS says of the time. */
  readonly clock: Clock;
  /** The region that a role was given. */
  readonly region?: string | undefined;
  /** Tells a role the region of an API, unless it was given one. */
  learnRegion?(region: string): void;
}

/** Where every copy of this package in a program finds them: the entries are bundles of their own. */
const KEY = Symbol.for("xacct-sign.sources");

type Kept = { [KEY]?: WeakMap<object, Known> };

/** Keeps it as long as the provider is there. */
export function keepKnown(provider: object, known: Known): void {
  const global = globalThis as Kept;
  global[KEY] ??= new WeakMap();
  global[KEY].set(provider, known);
}

/** What is known of a provider that is one of ours. */
export function knownOf(provider: unknown): Known | undefined {
  return typeof provider === "function" ? (globalThis as Kept)[KEY]?.get(provider) : undefined;
}

/** The clock of whoever asks with a source's credentials: that of the source, unless he was given one. */
export function clockFor(source: unknown, now: (() => Date) | undefined): Clock {
  return (now === undefined ? knownOf(source)?.clock : undefined) ?? new Clock(now);
}
