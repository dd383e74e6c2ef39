// The ports: STS's, and one for each stage.

import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf, XacctSignError } from "./errors.js";

/** An open port. */
export interface Port {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string;
  /** Breaks off what is under way, and frees the port. */
  close(): Promise<void>;
}

const LIMITS = {
  // More than the fronts take: what is too long for one is told as that one tells it.
  maxHeaderSize: 64 * 1024,
  // A request without it lacks its signature, which is told as its front tells that.
  requireHostHeader: false,
  headersTimeout: 30_000,
  requestTimeout: 60_000,
  // A connection that idles is not closed just as somebody sends on it.
  keepAliveTimeout: 60_000,
};

/**
 * Opens a free port on loopback. A request that asks for leave to send its body goes to `unasked`. It does not keep the process until
 * something has `begun`, if that is given.
 *
 * @throws XacctSignError `port_unusable`
 */
export async function listen(answer: RequestListener, unasked: RequestListener, begun?: Promise<void>): Promise<Port> {
  if (!mayListen()) {
    throw new XacctSignError("port_unusable", "Node's permission model forbids listening on 127.0.0.1", {
      hint: "this version of Node wants `--allow-net` for it",
    });
  }
  const server = createServer(LIMITS, answer);
  server.on("checkContinue", unasked);
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  } catch (cause) {
    throw new XacctSignError("port_unusable", `cannot listen on 127.0.0.1: ${messageOf(cause)}`, { cause });
  }
  if (begun !== undefined) {
    server.unref();
    void begun.then(() => server.ref());
  }
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

/** Versions of Node that know this permission end the process where it is lacking. */
function mayListen(): boolean {
  const isKnown = process.allowedNodeEnvironmentFlags.has("--allow-net");
  return !isKnown || process.permission === undefined || process.permission.has("net");
}

async function closed(server: Server): Promise<void> {
  if (!server.listening) return;
  const gone = once(server, "close");
  server.close();
  server.closeAllConnections();
  await gone;
}
