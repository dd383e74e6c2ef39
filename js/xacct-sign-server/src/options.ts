import { XacctSignError } from "./errors.js";
import type { Log } from "./log.js";

/** The type of the runtime's `fetch`. */
export type Fetch = typeof globalThis extends { fetch: infer F }
  ? F
  : // biome-ignore lint/suspicious/noExplicitAny: where nothing is known of the runtime's types
    (input: any, init?: any) => Promise<any>;

/** How a verifier is made. */
export interface VerifierOptions {
  /**
   * Who may call: `callers.json` as text, as its bytes, or as the object that it is. `xacct-sign render callers --stage STAGE` writes it.
   */
  readonly callers: string | Uint8Array | ArrayBuffer | object;
  /**
   * Whether it stands where nobody real calls, and takes the `dev_issuers` of `callers.json`. Where there are such,
   * `AWS_ENDPOINT_URL_STS` says where STS is. By default false.
   */
  readonly development?: boolean | undefined;
  /** Where reasons go; by default `console.warn`. */
  readonly log?: Log | undefined;
  /** What fetches keys and asks STS in place of the package's own client, such as one that goes through a proxy. */
  readonly fetch?: Fetch | undefined;
  /** The clock; by default the machine's. */
  readonly now?: (() => Date) | undefined;
}

const NAMES = ["callers", "development", "log", "fetch", "now"] as const;

/** What is to be given where a function is. */
const FUNCTIONS = {
  log: "give a function, such as (entry) => logger.warn(entry), or leave it out: then it is console.warn",
  fetch: "give a function with the arguments of `fetch`, or leave it out: then the package has its own client",
  now: "give a function that returns a Date, such as () => new Date(), or leave it out",
} as const;

/**
 * The options, copied and checked.
 *
 * @throws XacctSignError `invalid_option`
 */
export function checked(given: VerifierOptions): VerifierOptions {
  if (typeof given !== "object" || given === null) throw invalid("no options are given");
  const unknown = Object.keys(given).find((name) => !(NAMES as readonly string[]).includes(name));
  const header = "it is the caller's: what carries it here puts its value into `authorization`, where a verifier looks";
  const hint = unknown === "identityHeader" ? header : `there are ${NAMES.join(", ")}`;
  if (unknown !== undefined) throw invalid(`\`${unknown}\` is no option`, hint);
  // What somebody put on `Object.prototype` is nobody's option.
  const own = <K extends keyof VerifierOptions>(name: K) => (Object.hasOwn(given, name) ? given[name] : undefined);
  const options = {
    callers: own("callers") as VerifierOptions["callers"],
    development: own("development"),
    log: own("log"),
    fetch: own("fetch"),
    now: own("now"),
  };
  if (options.development !== undefined && typeof options.development !== "boolean") {
    throw invalid("`development` is neither true nor false", "give true where nobody real calls, else leave it out");
  }
  for (const name of ["log", "fetch", "now"] as const) {
    if (options[name] === undefined || typeof options[name] === "function") continue;
    throw invalid(`\`${name}\` is no function`, FUNCTIONS[name]);
  }
  return options;
}

/**
 * The bytes of `callers.json`, which the rules read as those of a file.
 *
 * @throws XacctSignError `invalid_option`
 */
export function bytesOf(callers: VerifierOptions["callers"]): Uint8Array {
  const how = 'give the text of callers.json: readFileSync("callers.json", "utf8")';
  if (typeof callers === "string") {
    // An empty file's is what the rules tell.
    if (/^\s*([[{]|$)/.test(callers)) return new TextEncoder().encode(callers);
    // As it is where UTF-16 was read as UTF-8: PowerShell writes the one, and Node is told the other.
    if (/[\0\uFFFD]/.test(callers.slice(0, 4))) {
      throw invalid(
        "`callers` was read as UTF-8, and is none",
        'give the bytes as they are: readFileSync("callers.json"), or have it written as UTF-8: `| Out-File -Encoding utf8`',
      );
    }
    throw invalid("`callers` is not the text of a callers.json", `${how}, and not its name`);
  }
  if (callers === undefined || callers === null) throw invalid("`callers` is not given", how);
  // By its tag: bytes may be of another realm, as those of a test runner are.
  const [, kind] = /^\[object (.*)\]$/.exec(Object.prototype.toString.call(callers)) ?? [];
  if (kind === "Uint8Array") return callers as Uint8Array;
  if (kind === "ArrayBuffer") return new Uint8Array(callers as ArrayBuffer);
  if (kind !== "Object") throw invalid(`\`callers\` is of the type ${kind}, and no callers.json`, how);
  try {
    return new TextEncoder().encode(JSON.stringify(callers));
  } catch (cause) {
    throw new XacctSignError("invalid_option", "`callers` is no JSON", { hint: how, cause });
  }
}

function invalid(message: string, hint = 'give { callers: readFileSync("callers.json", "utf8") }'): XacctSignError {
  return new XacctSignError("invalid_option", message, { hint });
}
