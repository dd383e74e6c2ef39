// The proxies of `tests/faults.toml`, as a process of their own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fromEnvironment } from "./run.mjs";

/** @typedef {{ kind: string, status?: number }} Fault */
/** @typedef {{ connection: number, id?: string, fault?: Fault, status?: number, is_closed: boolean }} Came */

/** Starts the program. */
export async function startFaultProxy() {
  const cli = fromEnvironment("XACCT_SIGN_BIN", "the command, beside which the tests' programs are built");
  const program = spawn(join(dirname(cli), "fault_proxy"), { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(program, "exit");
  const [url] = await once(createInterface({ input: program.stdout }), "line");
  /**
   * @param {string} what
   * @param {object} about
   */
  const ask = async (what, about) => {
    const answer = await fetch(`${url}/${what}`, { method: "POST", body: JSON.stringify(about) });
    return answer.json();
  };
  return {
    /**
     * A proxy in front of STS and one in front of the API, for a row of the table or for a storm.
     *
     * @param {import("./emulator.mjs").Caller} emulator
     * @param {{ row: string } | { storm: number }} what
     */
    async open(emulator, what) {
      const { id, sts, api } = await ask("open", { sts: emulator.stsEndpoint, api: emulator.url, ...what });
      return {
        sts,
        api,
        /** @returns {Promise<{ sts: Came[], api: Came[] }>} */
        came: () => ask("came", { id }),
        /** From now on nothing fails. */
        calm: () => ask("calm", { id }),
      };
    },
    async stop() {
      program.stdin.end();
      await exit;
    },
  };
}
