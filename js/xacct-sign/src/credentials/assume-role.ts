import { GRACE_SECONDS, POLL, TIMEOUT_SECONDS } from "../../wasm/constants.js";
import { LATE, untilAborted, within } from "../host/abort.js";
import type { Fetch } from "../host/platform.js";
import { postToSts, timeout } from "../host/transport.js";
import { guarded } from "../module/thrown.js";
import { type WasmAssumeRole, WasmRefresh } from "../module/wasm.js";
import { checkedOptions, read, readClock, requireType } from "../options.js";
import {
  type CredentialsInput,
  checkInput,
  fromEnv,
  type ProvideOptions,
  type RoleCredentials,
  resolve,
} from "./credentials.js";
import { ASSUME_ROLE_OPTIONS, type AssumeRoleOptions, callOf } from "./role-options.js";

/** A role's credentials, valid whenever it is called: a credential provider of the AWS SDK v3. */
export type RoleProvider = (options?: ProvideOptions) => Promise<RoleCredentials>;

/**
 * A provider of a role's credentials. It keeps them, fetches them again before they expire, and has at most one call to
 * STS in flight. A refresh that fails early leaves the old credentials in use.
 *
 * @throws XacctSignError at once for options that cannot work, such as `invalid_role_arn` or `partition_mismatch`. The
 *   provider rejects with `credentials_not_found`, `credentials_expired`, an `sts_...` code, `transport` or `timeout`
 */
export function assumeRole(options: AssumeRoleOptions): RoleProvider {
  const role = new Role(options);
  return async (ask) => {
    const current = await untilAborted(() => role.credentials(read(ask, "forceRefresh") === true), read(ask, "signal"));
    // A copy: what the caller does with it is nobody else's business.
    return { ...current, expiration: new Date(current.expiration) };
  };
}

/** A fetch in flight. */
interface Turn {
  /** While the credentials that there are still serve: nobody counts on it. */
  readonly isEarly: boolean;
  readonly fetched: Promise<RoleCredentials>;
}

class Role {
  readonly #call: WasmAssumeRole;
  readonly #refresh: WasmRefresh;
  readonly #base: CredentialsInput;
  readonly #fetch: Fetch | undefined;
  readonly #clock: () => Date;
  #current: RoleCredentials | undefined;
  #turn: Turn | undefined;
  /** Why the last fetch failed. */
  #error: unknown;

  constructor(given: AssumeRoleOptions) {
    const options = checkedOptions(given, ASSUME_ROLE_OPTIONS, "{ roleArn, region }");
    requireType(options.fetch, "function", "fetch");
    requireType(options.now, "function", "now");
    this.#call = callOf(options);
    this.#base = options.base === undefined ? fromEnv() : checkInput(options.base);
    this.#fetch = options.fetch;
    this.#clock = options.now ?? (() => new Date());
    this.#refresh = new WasmRefresh(Math.floor(Math.random() * 2 ** 32));
  }

  async credentials(forceRefresh: boolean): Promise<RoleCredentials> {
    if (forceRefresh) return (this.#turn ?? this.#begin(false)).fetched;
    for (;;) {
      const now = this.#now();
      const poll = guarded(() => this.#refresh.poll(now));
      if (poll === POLL.use && this.#current !== undefined) return this.#current;
      if (poll === POLL.failed) throw this.#error;
      const turn = this.#turn ?? this.#begin(poll === POLL.useAndRefresh);
      if (poll !== POLL.useAndRefresh && !turn.isEarly) return turn.fetched;
      // Awaited for a while rather than left behind: a function that has answered is frozen, and its calls with it.
      await within(GRACE_SECONDS, turn.fetched).catch(() => undefined);
      if (poll === POLL.wait && this.#turn === turn) {
        // What was to come in time did not: it is asked for anew.
        this.#turn = undefined;
        this.#refresh.abandoned();
      }
      // Time went by: what there is may have come to its end meanwhile.
    }
  }

  #begin(isEarly: boolean): Turn {
    const turn: Turn = {
      isEarly,
      fetched: this.#fetched().then(
        (fetched) => {
          this.#settle(turn, fetched);
          return fetched;
        },
        (error) => {
          if (this.#turn === turn) this.#error = error;
          this.#settle(turn, undefined);
          throw error;
        },
      ),
    };
    this.#turn = turn;
    return turn;
  }

  /** The outcome counts if no other turn has taken this one's place. */
  #settle(turn: Turn, fetched: RoleCredentials | undefined): void {
    if (this.#turn !== turn) return;
    this.#turn = undefined;
    if (fetched === undefined) {
      this.#remember();
      return;
    }
    guarded(() => this.#refresh.succeeded(fetched.expiration.getTime(), this.#now()));
    this.#current = fetched;
  }

  /** That a fetch has failed, unless the clock is what failed. */
  #remember(): void {
    try {
      this.#refresh.failed(this.#now());
    } catch {
      // Without a time there is nothing to wait for.
    }
  }

  /** The provider of the base credentials and STS's answer to its end, together. */
  async #fetched(): Promise<RoleCredentials> {
    const fetched = await within(TIMEOUT_SECONDS, this.#ask());
    if (fetched === LATE) throw timeout("STS");
    return fetched;
  }

  async #ask(): Promise<RoleCredentials> {
    const { accessKeyId, secretAccessKey, sessionToken } = await resolve(this.#base, this.#now());
    const now = this.#now();
    const request = guarded(() => this.#call.request(accessKeyId, secretAccessKey, sessionToken, now));
    const { status, text } = await postToSts(request, this.#fetch);
    const then = this.#now();
    return credentialsOf(guarded(() => this.#call.readResponse(secretAccessKey, sessionToken, status, text, then)));
  }

  #now(): number {
    return readClock(this.#clock);
  }
}

/** The credentials from the module's lines. */
function credentialsOf(lines: string): RoleCredentials {
  const [accessKeyId, secretAccessKey, sessionToken, milliseconds] = lines.split("\n") as [
    string,
    string,
    string,
    string,
  ];
  return { accessKeyId, secretAccessKey, sessionToken, expiration: new Date(Number(milliseconds)) };
}
