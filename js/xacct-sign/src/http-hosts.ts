import { XacctSignError } from "./errors.js";
import { type OnEvent, tell } from "./events.js";
import { env } from "./host/env.js";

const VARIABLE = "XACCT_ALLOW_HTTP_HOSTS";

/** Hosts to which signed requests may go over plain http, beside loopback. Each that is used is told of, once. */
export class HttpHosts {
  readonly #names: ReadonlySet<string>;
  readonly #onEvent: OnEvent | undefined;
  readonly #told = new Set<string>();

  /** Those that are given, and those of the environment. @throws XacctSignError `invalid_option` */
  constructor(given: unknown, onEvent: OnEvent | undefined) {
    if (given !== undefined && !Array.isArray(given)) throw invalid("`allowHttpHosts` is no array");
    const others = (env(VARIABLE) ?? "").split(",").map((name) => name.trim());
    this.#names = new Set([
      ...((given ?? []) as unknown[]).map((name) => checked(name, "`allowHttpHosts`")),
      ...others.filter((name) => name !== "").map((name) => checked(name, `the environment variable \`${VARIABLE}\``)),
    ]);
    this.#onEvent = onEvent;
  }

  /** Whether something that is about to go to a URL of plain http may. */
  allow({ hostname, port }: { readonly hostname: string; readonly port: string }): boolean {
    const host = `${hostname}:${port || 80}`;
    if (!this.#names.has(hostname) && !this.#names.has(host)) return false;
    if (this.#told.has(host)) return true;
    this.#told.add(host);
    tell(this.#onEvent, { type: "plain_http", host });
    globalThis.console?.warn(
      `xacct-sign: what is signed goes to \`${host}\` over plain http, as \`allowHttpHosts\` has it`,
    );
    return true;
  }
}

/** One without a port stands for all of its ports. */
function checked(name: unknown, of: string): string {
  // A pattern or a whole URL would never match.
  const [, host, port] = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i.exec(typeof name === "string" ? name : "") ?? [];
  if (host === undefined || Number(port?.slice(1) ?? 0) > 65535) throw invalid(`${of} holds what is no host`);
  return host.toLowerCase() + (port === undefined ? "" : `:${Number(port.slice(1))}`);
}

function invalid(message: string): XacctSignError {
  return new XacctSignError("invalid_option", message, {
    hint: "give an array of hosts alone, such as `localstack` or `localstack:4566`: no URL, and no `*`",
  });
}
