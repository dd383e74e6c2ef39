import type { RefusalCode } from "../wasm/constants.js";

/** What is logged: why a request was refused, or something of the verifier's own. */
export type LogCode =
  | RefusalCode
  /** The verifier is one for development: said when it is made. */
  | "development"
  /** An issuer's keys could not be fetched. */
  | "keys_not_fetched"
  /** STS could not be asked. */
  | "sts_not_asked"
  /** The runtime's WebCrypto failed. */
  | "signature_not_checked"
  /** A check failed by itself. The client is told 503. */
  | "check_failed";

/** One line for the log. */
export interface LogEntry {
  readonly code: LogCode;
  /** A sentence, with nothing secret in it. */
  readonly message: string;
  /** What to do about it, where that is known. */
  readonly hint?: string | undefined;
  /** What the client was told, if it is about a request. */
  readonly status?: 401 | 403 | 503;
  /** Of the request. */
  readonly method?: string;
  /** Of the request, without its query. */
  readonly path?: string;
  /** What was thrown, if something was. */
  readonly cause?: unknown;
}

/** Where reasons go: to `console.warn`, unless another one is given. */
export type Log = (entry: LogEntry) => void;

/** How many characters of a path are written. */
const LONGEST = 256;

/** The log of a verifier. One that fails changes no answer. */
export function guarded(log: Log = toConsole): Log {
  return (entry) => {
    try {
      log(entry);
    } catch {}
  };
}

function toConsole({ code, message, hint, status, method, path }: LogEntry): void {
  const request = status === undefined ? "" : `${status} ${shown(method)} ${shown(path)}: `;
  console.warn(`xacct-sign-server: ${request}${code}: ${message}${hint === undefined ? "" : ` (${hint})`}`);
}

/** What a client sent: on one line, and not all of it. */
function shown(text: string | undefined): string {
  return text === undefined ? "?" : JSON.stringify(text.slice(0, LONGEST));
}
