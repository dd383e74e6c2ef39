// Express, and whatever else calls `(request, response, next)`.

import { METHOD_OVERRIDES } from "../../wasm/constants.js";
import type { Caller } from "../caller.js";
import type { Checks } from "../checks.js";
import type { Log } from "../log.js";
import { pathsOf } from "../module.js";
import { headersOf, refused } from "./refusing.js";

declare global {
  namespace Express {
    interface Request {
      /** Who is calling: set by the middleware of `xacct-sign-server`. */
      caller?: Caller;
    }
  }
}

/** What is used of `node:http`'s `IncomingMessage`, and of what Express adds to it. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** What an application is mounted at, in Express. */
  readonly baseUrl?: string | undefined;
  readonly originalUrl?: string | undefined;
  /** Names and values in turns. */
  readonly rawHeaders?: readonly string[] | undefined;
  readonly headers?: { readonly [name: string]: string | string[] | undefined };
  /** Who is calling: set once it is known. */
  caller?: Caller;
}

/** What is used of `node:http`'s `ServerResponse`. */
export interface NodeResponse {
  statusCode: number;
  /** Whether somebody has answered already. */
  readonly headersSent?: boolean | undefined;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
}

/** Refuses a request, or sets its `caller` and calls `next`, for whose promise it waits where there is one, as Koa has it. */
export type Middleware = (request: NodeRequest, response: NodeResponse, next: () => unknown) => Promise<void>;

export function nodeMiddleware(verifier: Checks, log: Log): Middleware {
  return async (request, response, next) => {
    const { method = "", url, baseUrl, originalUrl } = request;
    const paths = pathsOf(originalUrl == null ? undefined : textOf(originalUrl), textOf(baseUrl), textOf(url));
    try {
      const methods = [method, ...METHOD_OVERRIDES.flatMap((name) => valuesOf(request, name))];
      const authorization = valuesOf(request, "authorization");
      request.caller = await verifier.check(authorization, methods, paths);
    } catch (thrown) {
      const status = refused(log, thrown, method, paths[0]);
      // A time limit may have answered meanwhile. Headers behind that would throw, and end the process.
      if (response.headersSent === true) return;
      response.statusCode = status;
      const headers = { ...headersOf(status), "content-length": "0" };
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end();
      return;
    }
    await next();
  };
}

/** What adapters hand over may be of any type, and the module takes texts alone. */
function textOf(given: unknown): string {
  return typeof given === "string" ? given : "";
}

/**
 * Each header of the name: `headers` has the first one alone, and who stands in front may have looked at the last. What adapters make of
 * a Lambda function's event has no raw headers at all, and there the other ones count.
 */
function valuesOf({ rawHeaders = [], headers }: NodeRequest, name: string): string[] {
  if (rawHeaders.length === 0) return [headers?.[name] ?? []].flat();
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
