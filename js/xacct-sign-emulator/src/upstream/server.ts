// An upstream that is a server.

import { once } from "node:events";
import { Agent, type IncomingMessage, request as overHttp } from "node:http";
import { request as overHttps, Agent as TlsAgent } from "node:https";
import { type Answered, type Send, upstreamError } from "./send.js";

/** Sends to a server. A connection that idles may be closed just as the next request is sent on it: each has its own. */
export function toServer({ protocol, hostname, port, origin }: URL): Send {
  const isTls = protocol === "https:";
  const request = isTls ? overHttps : overHttp;
  const agent = isTls ? new TlsAgent({ keepAlive: false }) : new Agent({ keepAlive: false });
  const place = { agent, protocol, hostname: hostname.replace(/^\[|\]$/g, ""), port, setHost: false };
  return async ({ method, url, headers, body, signal }) => {
    const isLong = headers.some((name, index) => index % 2 === 0 && name === "content-length");
    const length = isLong || body.length === 0 ? [] : ["content-length", String(body.length)];
    // As it was sent: a parsed URL would be another.
    const path = url.slice(origin.length);
    const sent = request({ ...place, method, path, headers: [...headers, ...length] as unknown as string[], signal });
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return answered(answer);
  };
}

function answered(answer: IncomingMessage): Answered {
  const { statusCode: status = 0, rawHeaders: headers } = answer;
  const length = answer.headers["content-length"];
  return {
    status,
    headers,
    length: length === undefined ? undefined : Number(length),
    body: answer,
    error: upstreamError,
  };
}
