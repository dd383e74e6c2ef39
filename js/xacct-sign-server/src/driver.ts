import { GRACE_SECONDS } from "../wasm/constants.js";
import type { Caller } from "./caller.js";
import { messageOf, RefusedError, XacctSignError } from "./errors.js";
import { Gate } from "./gate.js";
import type { Log } from "./log.js";
import { type KeysStep, type PublicJwk, type RefusedStep, type Step, tooBusy, type WasmCheck } from "./module.js";
import type { Network } from "./network/network.js";
import { isRight } from "./signature.js";

/** Gets for checks what they need. It decides nothing. */
export class Driver {
  readonly #network: Network;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #gate: Gate;

  constructor(network: Network, log: Log, now: (() => Date) | undefined) {
    this.#network = network;
    this.#log = log;
    this.#gate = new Gate(!network.isEachAlone);
    this.#now = now === undefined ? Date.now : () => now().getTime();
  }

  /**
   * Goes through a check to its end; `begin` makes one, as often as it is asked.
   *
   * @throws RefusedError
   */
  async drive(begin: () => WasmCheck): Promise<Caller> {
    let check: WasmCheck | undefined;
    let leave: (() => void) | undefined;
    /** What it is getting, for which others may wait. */
    let gets: string | undefined;
    try {
      for (;;) {
        check ??= begin();
        const step = JSON.parse(check.step(this.#now())) as Step;
        switch (step.step) {
          case "passed":
            return step.caller;
          case "refused":
            throw refusal(step);
          case "keys":
            if (step.isEarly && this.#network.goesOn) {
              // The fetch is for all, and nobody waits for it: another check goes on with the keys at hand.
              this.#fetchBeside(check, step);
              check = undefined;
            } else {
              gets = step.on;
              await this.#fetch(check, step);
            }
            break;
          case "signature": {
            const right = await this.#checked(step.key, step.message, step.signature);
            if (right === undefined) throw tooManyWait();
            check.signature(right, this.#now());
            break;
          }
          case "sts": {
            gets = step.on;
            const answer = await this.#network.sts(step.url, step.headers, step.body);
            check.sts(answer?.status ?? 0, answer?.body, this.#now());
            break;
          }
          case "wait": {
            // Who gets something needs no place: the rules have few at it.
            leave ??= this.#gate.enter(step.place);
            if (leave === undefined) throw tooManyWait();
            const opened = this.#gate.wait(step.on);
            // What was sent may be long: it is read again.
            check.free();
            check = undefined;
            await opened;
            break;
          }
          default:
            throw new XacctSignError("wasm_unavailable", "the WebAssembly module said what is no step", {
              hint: "this is a bug",
            });
        }
        if (gets !== undefined) this.#gate.open(gets);
        gets = undefined;
      }
    } finally {
      check?.free();
      leave?.();
      // One that fails by itself gets nothing for anybody: one of those who wait goes on.
      if (gets !== undefined) this.#gate.open(gets);
    }
  }

  async #fetch(check: WasmCheck, { url, isDevelopment, isEarly }: KeysStep): Promise<void> {
    const isWaitedFor = isEarly && !this.#network.goesOn;
    const take = (body?: Uint8Array) => check.keys(body, this.#now());
    await this.#network.keys(url, isDevelopment, take, isWaitedFor ? GRACE_SECONDS : undefined);
  }

  #fetchBeside(check: WasmCheck, step: KeysStep): void {
    const failed = (cause: unknown) => {
      this.#log({ code: "check_failed", message: `fetching keys failed: ${messageOf(cause)}`, cause });
    };
    void this.#fetch(check, step)
      .catch(failed)
      .finally(() => {
        check.free();
        this.#gate.open(step.on);
      });
  }

  /** Whether a signature is right; nothing where too many wait. */
  async #checked(key: PublicJwk, message: string, signature: string): Promise<boolean | undefined> {
    try {
      return await isRight(key, message, signature, this.#network.isEachAlone);
    } catch (cause) {
      const message = "WebCrypto could not check a signature, which is taken for wrong";
      this.#log({ code: "signature_not_checked", message, cause });
      return false;
    }
  }
}

function refusal({ code, status, message, hint }: RefusedStep): RefusedError {
  return new RefusedError(code, status, message, hint);
}

function tooManyWait(): RefusedError {
  return refusal(JSON.parse(tooBusy()) as RefusedStep);
}
