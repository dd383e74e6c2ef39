import type { ErrorCode } from "./errors.js";
import type { Clock } from "./host/clock.js";

/** A role's credentials were fetched. */
export interface RefreshedEvent {
  readonly type: "refreshed";
  /** The call of STS. */
  readonly action: "AssumeRole";
  readonly roleArn: string;
  /** When the new credentials end. */
  readonly expiration: Date;
  readonly elapsedSeconds: number;
}

/** They were to be fetched, and could not be. */
export interface RefreshFailedEvent {
  readonly type: "refresh_failed";
  readonly action: "AssumeRole";
  readonly roleArn: string;
  /** Whether the old ones still serve, so that nobody else is told. */
  readonly isEarly: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  readonly elapsedSeconds: number;
}

/** A web identity token was made: `identityToken` of `xacct-sign/identity`. */
export interface TokenMadeEvent {
  readonly type: "token_made";
  readonly audience: string;
  /** When the new token ends. */
  readonly expiration: Date;
  readonly elapsedSeconds: number;
}

/** One was to be made, and could not be. */
export interface TokenFailedEvent {
  readonly type: "token_failed";
  readonly audience: string;
  /** Whether the old one still serves, so that nobody else is told. */
  readonly isEarly: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  readonly elapsedSeconds: number;
}

/** A call was made, its redirects and what was sent once more included. */
export interface RequestEvent {
  readonly type: "request";
  readonly method: string;
  /** Where it went in the end, without the query. */
  readonly url: string;
  /** Of the answer, if there was one. */
  readonly status?: number;
  /** What there was in place of an answer; undefined too where the call was aborted. */
  readonly code?: ErrorCode;
  /** Until the head of the answer was there, STS included. */
  readonly elapsedSeconds: number;
}

/** This machine's clock was found to be off; later signatures take that into account. */
export interface ClockSkewEvent {
  readonly type: "clock_skew";
  /** By how much AWS's clock is ahead of this machine's; below zero it is behind. */
  readonly skewSeconds: number;
}

/** Signed requests go over plain http to a host of `allowHttpHosts`: told once for each. */
export interface PlainHttpEvent {
  readonly type: "plain_http";
  /** With its port. */
  readonly host: string;
}

/** What `onEvent` is told, for logs and metrics. No event holds a secret. */
export type XacctSignEvent =
  | RefreshedEvent
  | RefreshFailedEvent
  | TokenMadeEvent
  | TokenFailedEvent
  | RequestEvent
  | ClockSkewEvent
  | PlainHttpEvent;

/** Is told what happens. What it throws, or rejects with, is dropped: a log that fails fails no call. */
export type OnEvent = (event: XacctSignEvent) => unknown;

/** @internal Tells it. */
export function tell(onEvent: OnEvent | undefined, event: XacctSignEvent): void {
  if (onEvent === undefined) return;
  // Within a promise: neither what it throws nor what it rejects with is anybody else's.
  new Promise((fulfil) => fulfil(onEvent(event))).catch(() => {});
}

/** @internal A clock takes note of what more it is off than was known, as `learn` has it, and `onEvent` is told if that is news. */
export function learned(clock: Clock, known: number, more: number, onEvent: OnEvent | undefined, url?: string): void {
  if (more !== 0 && clock.learn(known, more, url)) tell(onEvent, { type: "clock_skew", skewSeconds: known + more });
}
