import { env } from "../../xacct-sign/src/host/env.js";
import { EVENT_MEMBERS } from "../wasm/constants.js";
import type { Caller } from "./caller.js";
import { Driver } from "./driver.js";
import { XacctSignError } from "./errors.js";
import { type LambdaHandler, type LambdaRefusal, lambdaHandler } from "./faces/lambda.js";
import { type Middleware, nodeMiddleware } from "./faces/node.js";
import { type HostRequest, type HostResponse, served } from "./faces/request.js";
import { guarded, type Log } from "./log.js";
import { rethrown, stsEndpointOf, verifierOf, type WasmVerifier } from "./module.js";
import { Network } from "./network/network.js";
import { bytesOf, checked, type VerifierOptions } from "./options.js";

const EMULATORS_STS =
  "for proofs of an emulator's callers set AWS_ENDPOINT_URL_STS, or make the verifier in `asCaller`: it is read then";

/** Says who calls, of the callers of one stage. */
export class Verifier {
  readonly #verifier: WasmVerifier;
  #checking: WasmVerifier | undefined;
  readonly #driver: Driver;
  readonly #log: Log;

  /** @internal */
  constructor(given: VerifierOptions) {
    const { callers, development = false, log, fetch, now } = checked(given);
    this.#log = guarded(log);
    this.#verifier = verifierOf(bytesOf(callers), development);
    const { isDevelopment } = this.#verifier;
    const moved = isDevelopment ? env("AWS_ENDPOINT_URL_STS") : undefined;
    const stsEndpoint = moved === undefined ? undefined : stsEndpointOf(moved);
    const stsHint = isDevelopment && stsEndpoint === undefined ? EMULATORS_STS : undefined;
    if (isDevelopment) {
      const sts = stsEndpoint === undefined ? "AWS's STS is asked" : `${stsEndpoint.origin} is asked in STS's place`;
      const message = `the verifier is made for development: issuers on this machine are taken, and ${sts}`;
      const hints = ["where real callers call, leave out `development`", ...(stsHint === undefined ? [] : [stsHint])];
      this.#log({ code: "development", message, hint: hints.join("; ") });
    }
    this.#driver = new Driver(new Network(fetch, stsEndpoint, this.#log, stsHint), this.#log, now);
  }

  /**
   * Who calls. `authorization` is the header, or each of the headers where there are several; `method` and `path` are those that the
   * application will see: the path as it was sent, escapes and all, without its query; or each form that it may have, of which every
   * one has to be on a route of the caller's. Behind the method stand the values of headers that want another one in its place, such as
   * `x-http-method-override`.
   *
   * @throws RefusedError with the reason, and the status that the client is told
   */
  async check(
    authorization: string | readonly string[] | null | undefined,
    method: string | readonly string[],
    path: string | readonly string[],
  ): Promise<Caller> {
    const methods = listOf(method);
    const paths = listOf(path);
    const values = typeof authorization === "string" ? [authorization] : (authorization ?? []);
    const areTexts =
      Array.isArray(values) && [...values, ...methods, ...paths].every((text) => typeof text === "string");
    if (!areTexts || methods.length === 0 || paths.length === 0) {
      throw new XacctSignError("invalid_argument", "a header, the method or the path is no string", {
        hint: "give each header: check(request.headersDistinct.authorization, request.method, path)",
      });
    }
    const verifier = this.#seeded();
    return this.#driver.drive(() => verifier.check(values[0] ?? "", values.length, methods, paths));
  }

  /**
   * Who calls a Lambda function, given its event, or the event's JSON. What stands in front is what `callers.json` says, and the event
   * is not asked for it.
   *
   * @throws RefusedError with the reason, and the status that the client is told
   */
  async fromEvent(event: object | string): Promise<Caller> {
    const text = typeof event === "string" ? event : jsonOf(event);
    const verifier = this.#seeded();
    return this.#driver.drive(() => verifier.checkEvent(text));
  }

  /** The one that checks: made with the first request, since Workers draw nothing at random before. */
  #seeded(): WasmVerifier {
    this.#checking ??= this.#verifier.seeded(crypto.getRandomValues(new Uint8Array(16)));
    return this.#checking;
  }

  /**
   * Middleware for Express, and whatever else calls `(request, response, next)`: the caller is `request.caller`.
   *
   * @throws XacctSignError `invalid_option` for a list of another target than `server`; `invalid_argument` for options, of which it has none
   */
  middleware(): Middleware;
  middleware(...given: unknown[]): Middleware {
    // As in `app.use(verifier.middleware)`, which would let nobody in and not say why. A class that names itself is renamed in bundles.
    if (!(#driver in Object(this))) {
      const hint = "write app.use(verifier.middleware())";
      throw new XacctSignError("invalid_argument", "`middleware` was called without its verifier", { hint });
    }
    // One that is undefined says nothing that could be missed.
    if (given.some((argument) => argument !== undefined)) {
      const hint = "it takes no options: write app.use(verifier.middleware()), behind the routes that are for anybody";
      throw new XacctSignError("invalid_argument", "`middleware` got an argument", { hint });
    }
    rethrown(() => this.#verifier.checkTakesHeaders());
    return nodeMiddleware(this, this.#log);
  }

  /**
   * For servers in the style of `fetch`: `handle` is called for callers alone, with the caller. Gives what it gives, or the answer with
   * which the request is refused.
   *
   * @throws XacctSignError `invalid_argument` for what is no `Request` or no function
   */
  async serve<Result>(
    request: HostRequest,
    handle: (caller: Caller) => Result | Promise<Result>,
  ): Promise<Result | HostResponse> {
    return served(this, this.#log, request, handle);
  }

  /**
   * The handler of a Lambda function: `handle` is called for callers alone, with the event, the context and the caller.
   *
   * @throws XacctSignError `invalid_argument` for what is no function
   */
  handler<Event extends object, Context, Result>(
    handle: LambdaHandler<Event, Context, Result>,
  ): (event: Event, context: Context) => Promise<Result | LambdaRefusal> {
    return lambdaHandler(this, this.#log, handle);
  }
}

/**
 * A verifier of who calls, which remembers keys and callers: make one, and keep it.
 *
 * @throws XacctSignError with what is wrong with `callers.json` or with the options
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return new Verifier(options);
}

/** The texts that were given, or what is none and is told as such. */
function listOf(given: string | readonly string[]): string[] {
  return Array.isArray(given) ? [...given] : [given as string];
}

/** JSON of what is read of an event, whatever the rest is. What is no JSON is no event, as the module finds. */
function jsonOf(event: object): string {
  try {
    const members = event as Readonly<Record<string, unknown>>;
    return JSON.stringify(Object.fromEntries(EVENT_MEMBERS.map((name) => [name, members[name]])));
  } catch {
    return "";
  }
}
