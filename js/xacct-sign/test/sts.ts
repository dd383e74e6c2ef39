// An STS that answers as it is told, and counts.

import type { Fetch } from "xacct-sign";

/** One answer: its status, how long the credentials live, and when it comes. */
export interface Reply {
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly lifetimeSeconds?: number;
  readonly after?: Promise<unknown>;
  readonly body?: string;
  readonly stream?: () => ReadableStream;
  /** In place of an answer. */
  readonly error?: Error;
}

export interface Sts {
  readonly fetch: Fetch;
  readonly forms: URLSearchParams[];
  readonly authorizations: string[];
  readonly signals: AbortSignal[];
  calls: number;
  /** The answers of the next calls. */
  readonly queue: Reply[];
  /** The answer after those. */
  next: Reply;
}

/** An STS whose clock is the given one. */
export function fakeSts(now: () => Date = () => new Date()): Sts {
  const sts: Sts = {
    calls: 0,
    queue: [],
    next: {},
    forms: [],
    authorizations: [],
    signals: [],
    fetch: (async (_url: string, init: RequestInit) => {
      sts.calls += 1;
      const count = sts.calls;
      sts.forms.push(new URLSearchParams(init.body as string));
      sts.authorizations.push(new Headers(init.headers).get("authorization") ?? "");
      if (init.signal) sts.signals.push(init.signal);
      const reply = sts.queue.shift() ?? sts.next;
      const { status = 200, code = "AccessDenied", message = "no", lifetimeSeconds = 3600 } = reply;
      await reply.after;
      init.signal?.throwIfAborted();
      if (reply.error !== undefined) throw reply.error;
      if (reply.stream !== undefined) return new Response(reply.stream(), { status });
      if (reply.body !== undefined) return new Response(reply.body, { status });
      if (status !== 200) {
        const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
        return new Response(`<ErrorResponse>${error}<RequestId>r</RequestId></ErrorResponse>`, { status });
      }
      const end = new Date(now().getTime() + lifetimeSeconds * 1000).toISOString();
      return new Response(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
         <AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/Api/x</Arn></AssumedRoleUser>
         <Credentials><AccessKeyId>ASIAEXAMPLEEXAMPLE12</AccessKeyId><SecretAccessKey>s${count}</SecretAccessKey>
         <SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
      );
    }) as never,
  };
  return sts;
}

/** A clock that stands still until it is moved. */
export function clock(): { now: () => Date; forward(seconds: number): void } {
  let time = Date.parse("2026-11-24T00:00:00Z");
  return {
    now: () => new Date(time),
    forward: (seconds) => {
      time += seconds * 1000;
    },
  };
}
