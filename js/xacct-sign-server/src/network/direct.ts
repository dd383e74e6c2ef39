// By Node's own client, which Deno and Bun have too: it goes through no proxy, and shows what a name leads to.

import { builtin } from "../../../xacct-sign/src/host/node.js";
import { isPublicAddress } from "../module.js";
import { sendByFetch } from "./fetched.js";
import { Final, LimitedBody } from "./limits.js";
import type { Answer, Outgoing, Send } from "./send.js";

/** What is used of `node:http` and `node:https`. */
interface NodeHttp {
  Agent: new () => object;
  request(url: URL, options: object, answered: (response: Incoming) => void): Sent;
}

interface Sent {
  on(event: "error", listener: (error: Error) => void): void;
  end(body?: string): void;
}

interface Incoming {
  readonly statusCode?: number;
  destroy(): void;
  on(event: "data", listener: (part: Uint8Array) => void): void;
  on(event: "end", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}

interface NodeDns {
  lookup(host: string, options: object, found: (error: Error | null, addresses: readonly Address[]) => void): void;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

type Found = (error: Error | null, address?: string | readonly Address[], family?: number) => void;

/** Sends by Node's own client; by `fetch` where there is none. */
export const sendDirectly: Send = (outgoing, signal) => {
  const http = builtin<NodeHttp>(outgoing.url.protocol === "https:" ? "node:https" : "node:http");
  return http === undefined ? sendByFetch(outgoing, signal) : exchange(http, outgoing, signal);
};

function exchange(http: NodeHttp, outgoing: Outgoing, signal: AbortSignal): Promise<Answer> {
  const { method, url, headers, body, isPublicOnly } = outgoing;
  return new Promise((fulfil, reject) => {
    const options = {
      // One of its own: the global one may have been given a proxy. None is kept, since one that a frozen Lambda function kept is dead.
      agent: new http.Agent(),
      method,
      headers,
      signal,
      // Whatever the environment says of certificates that do not verify.
      rejectUnauthorized: true,
      ...(isPublicOnly ? { lookup: lookupPublic } : {}),
    };
    const sent = http.request(url, options, (response) => {
      const read = new LimitedBody();
      const end = () => fulfil({ status: response.statusCode ?? 0, body: read.whole() });
      response.on("data", (part) => {
        if (read.add(part)) return;
        end();
        response.destroy();
      });
      response.on("end", end);
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** As `dns.lookup`, for public addresses alone. The connection is made to what it gives, and to nothing else. */
function lookupPublic(host: string, options: { readonly all?: boolean }, found: Found): void {
  const dns = builtin<NodeDns>("node:dns") as NodeDns;
  dns.lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return found(error);
    const all = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = all;
    if (first === undefined) return found(new Final(`\`${host}\` is at no public address`));
    if (options.all) found(null, all);
    else found(null, first.address, first.family);
  });
}
