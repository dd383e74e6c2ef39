// Lambda functions behind a function URL, an API or a load balancer.

import type { Caller } from "../caller.js";
import type { Checks } from "../checks.js";
import { XacctSignError } from "../errors.js";
import type { Log } from "../log.js";
import { headersOf, refused } from "./refusing.js";

/** What a function does for a caller. */
export type LambdaHandler<Event, Context, Result> = (
  event: Event,
  context: Context,
  caller: Caller,
) => Result | Promise<Result>;

/** The answer to who is refused, in the form that every front takes. */
export interface LambdaRefusal {
  readonly statusCode: 401 | 403 | 503;
  readonly headers: Record<string, string>;
  readonly body: "";
}

export function lambdaHandler<Event extends object, Context, Result>(
  verifier: Checks,
  log: Log,
  handle: LambdaHandler<Event, Context, Result>,
): (event: Event, context: Context) => Promise<Result | LambdaRefusal> {
  if (typeof handle !== "function") {
    throw new XacctSignError("invalid_argument", "`handler` got no function", {
      hint: "give what is done for a caller: handler(async (event, context, caller) => ...)",
    });
  }
  return async (event, context) => {
    let caller: Caller;
    try {
      caller = await verifier.fromEvent(event);
    } catch (thrown) {
      const statusCode = refused(log, thrown, ...requestOf(event));
      return { statusCode, headers: headersOf(statusCode), body: "" };
    }
    return handle(event, context, caller);
  };
}

/** Method and path of an event, of either form, for the log. */
function requestOf(event: unknown): [string | undefined, string | undefined] {
  const { httpMethod, path, rawPath, requestContext } = (event ?? {}) as {
    readonly httpMethod?: unknown;
    readonly path?: unknown;
    readonly rawPath?: unknown;
    readonly requestContext?: { readonly http?: { readonly method?: unknown } };
  };
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  return [text(requestContext?.http?.method ?? httpMethod), text(rawPath ?? path)];
}
