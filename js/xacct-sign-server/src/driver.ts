import type { Caller } from "./caller.js";
import { messageOf, RefusedError, XacctSignError } from "./errors.js";
import { Gate } from "./gate.js";
import type { Log } from "./log.js";
import type { KeysStep, PublicJwk, Step, WasmCheck } from "./module.js";
import type { Network } from "./network/network.js";
import { isRight } from "./signature.js";

/** Gets for checks what they need. It decides nothing. */
export class Driver {
  readonly #network: Network;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #gate = new Gate();

  constructor(network: Network, log: Log, now: (() => Date) | undefined) {
    this.#network = network;
    this.#log = log;
    this.#now = now === undefined ? Date.now : () => now().getTime();
  }

  /**
   * Goes through a check to its end; `begin` makes one, as often as it is asked.
   *
   * @throws RefusedError
   */
  async drive(begin: () => WasmCheck): Promise<Caller> {
    let check = begin();
    try {
      for (;;) {
        const step = JSON.parse(check.step(this.#now())) as Step;
        switch (step.step) {
          case "passed":
            return step.caller;
          case "refused":
            throw new RefusedError(step.code, step.status, step.message, step.hint);
          case "keys":
            if (step.isEarly && this.#network.goesOn) {
              // The fetch is for all, and nobody waits for it: another check goes on with the keys at hand.
              this.#fetchBeside(check, step);
              check = begin();
            } else {
              await this.#fetch(check, step);
            }
            break;
          case "signature":
            check.signature(await this.#isRight(step.key, step.message, step.signature), this.#now());
            break;
          case "sts": {
            const answer = await this.#network.sts(step.url, step.headers, step.body);
            check.sts(answer?.status ?? 0, answer?.body, this.#now());
            this.#gate.open();
            break;
          }
          case "wait":
            await this.#gate.wait();
            break;
          default:
            throw new XacctSignError("wasm_unavailable", "the WebAssembly module said what is no step", {
              hint: "this is a bug",
            });
        }
      }
    } catch (thrown) {
      // One that fails by itself gets nothing for anybody: one of those who wait goes on.
      if (!(thrown instanceof RefusedError)) this.#gate.open();
      throw thrown;
    } finally {
      check.free();
    }
  }

  async #fetch(check: WasmCheck, { url, isDevelopment }: KeysStep): Promise<void> {
    check.keys(await this.#network.keys(url, isDevelopment), this.#now());
    this.#gate.open();
  }

  #fetchBeside(check: WasmCheck, step: KeysStep): void {
    const failed = (cause: unknown) => {
      this.#log({ code: "check_failed", message: `fetching keys failed: ${messageOf(cause)}`, cause });
      this.#gate.open();
    };
    void this.#fetch(check, step)
      .catch(failed)
      .finally(() => check.free());
  }

  async #isRight(key: PublicJwk, message: string, signature: string): Promise<boolean> {
    try {
      return await isRight(key, message, signature);
    } catch (cause) {
      const message = "WebCrypto could not check a signature, which is taken for wrong";
      this.#log({ code: "signature_not_checked", message, cause });
      return false;
    }
  }
}
