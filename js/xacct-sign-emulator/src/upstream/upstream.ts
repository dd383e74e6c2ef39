// The way to the API behind the gateway.

import type { UpstreamFunction } from "../options.js";
import { byFunction } from "./function.js";
import { type Send, UpstreamError } from "./send.js";
import { toServer } from "./server.js";

/** Where requests to a function are said to go. */
const NOWHERE = "http://localhost";

/** The URL that requests are sent to, and what sends them. */
export function upstreamOf(upstream: URL | UpstreamFunction | undefined): { url: string | undefined; send: Send } {
  if (upstream === undefined) return { url: undefined, send: () => Promise.reject(new UpstreamError("Connection")) };
  if (typeof upstream === "function") return { url: NOWHERE, send: byFunction(upstream) };
  return { url: upstream.href, send: toServer(upstream) };
}
