// What goes over the wire, and who judges it: a recorder in front of the emulator, and a verifier that has nothing of ours.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { fromEnvironment } from "./run.mjs";

/** What one side said and what it was told, a character for each byte. */
/** @typedef {{ request: string, response: string }} Exchange */

/**
 * Passes on every byte between clients and a server, and keeps it.
 *
 * @param {string} upstream
 */
export async function startRecorder(upstream) {
  const { hostname, port } = new URL(upstream);
  /** @type {Exchange[]} */
  const exchanges = [];
  const sockets = new Set();
  const listener = createServer((client) => {
    const server = connect(Number(port), hostname);
    const exchange = { request: "", response: "" };
    exchanges.push(exchange);
    for (const [source, target, kept] of /** @type {const} */ ([
      [client, server, "request"],
      [server, client, "response"],
    ])) {
      sockets.add(source);
      source.on("data", (data) => {
        exchange[kept] += data.toString("latin1");
        target.write(data);
      });
      source.on("close", () => target.destroy());
      source.on("error", () => target.destroy());
    }
  });
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (listener.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** What was exchanged since the last time. Clients keep connections, so one may be used again. */
    take() {
      const taken = exchanges.filter(({ request }) => request !== "").map((exchange) => ({ ...exchange }));
      for (const exchange of exchanges) Object.assign(exchange, { request: "", response: "" });
      return taken;
    },
    stop() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * The same bytes once more, on a connection of their own, which the request has to close.
 *
 * @param {string} upstream
 * @param {string} request
 * @returns {Promise<Exchange>}
 */
export async function sentAgain(upstream, request) {
  const { hostname, port } = new URL(upstream);
  const server = connect(Number(port), hostname);
  let response = "";
  server.on("data", (data) => {
    response += data.toString("latin1");
    // The emulator says how long its answers are, and those of a refusal are short.
    const [head, body] = response.split("\r\n\r\n");
    if (body !== undefined && body.length >= Number(/^content-length: (\d+)$/im.exec(head)?.[1])) server.destroy();
  });
  server.write(Buffer.from(request, "latin1"));
  await once(server, "close");
  return { request, response };
}

/** @param {Exchange} exchange */
export function statusOf({ response }) {
  return Number(response.split(" ", 2)[1]);
}

/**
 * Why the emulator refuses.
 *
 * @param {Exchange} exchange
 */
export function reasonOf({ response }) {
  return /^x-xacct-reason: (.*)\r$/im.exec(response)?.[1];
}

/** `tests/src/bin/judge.rs` as a process. */
export function startJudge() {
  const program = fromEnvironment("XACCT_SIGN_JUDGE", "the verifier, as built by `cargo build -p xacct-sign-tests`");
  const judge = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: judge.stdout })[Symbol.asyncIterator]();
  return {
    /**
     * Why the request is refused; null if it is accepted.
     *
     * @param {string} request
     * @param {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string }} keys
     * @param {string} region
     * @param {string} [service]
     * @returns {Promise<string | null>}
     */
    async refusal(request, keys, region, service = "execute-api") {
      const credentials = {
        access_key_id: keys.accessKeyId,
        secret_access_key: keys.secretAccessKey,
        session_token: keys.sessionToken,
      };
      const now = Math.floor(Date.now() / 1000);
      judge.stdin.write(`${JSON.stringify({ request, credentials, region, service, now })}\n`);
      return JSON.parse((await lines.next()).value);
    },
    stop() {
      judge.kill();
    },
  };
}
