// A server on loopback that answers as a test has it, and keeps what it was asked.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Asked {
  /** How many came before. */
  readonly index: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
}

export interface Site {
  readonly url: string;
  readonly seen: Seen[];
}

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** Starts one, for as long as the test lasts. */
export async function serve(answer: (asked: Asked) => unknown): Promise<Site> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const index = seen.length;
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
    answer({ index, request, response, body });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}
