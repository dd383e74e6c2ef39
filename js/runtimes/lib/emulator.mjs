// The emulator, as a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fromEnvironment } from "./run.mjs";

const MANIFEST = fileURLToPath(new URL("../../../demo/xacct.toml", import.meta.url));
/** With a stage of every kind of API, by role and direct. */
const FRONTS = fileURLToPath(new URL("../../../tests/manifests/fronts.toml", import.meta.url));

/** What a caller of stage `stag` has to know. */
/** @typedef {{ region: string, stsEndpoint: string, url: string, roleArn: string, base: { accessKeyId: string, secretAccessKey: string, sessionToken: string } }} Caller */

/**
 * Starts the emulator of a manifest; gives what it says when it is ready.
 *
 * @param {string} manifest
 * @param {string[]} options
 */
async function start(manifest, options) {
  const command = fromEnvironment(
    "XACCT_SIGN_BIN",
    "the command, as built by `cargo build --release -p xacct-sign-cli`",
  );
  const emulator = spawn(command, ["emulator", "--manifest", manifest, "--explain", "--json", ...options], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exit = once(emulator, "exit");
  const lines = createInterface({ input: emulator.stdout });
  const [line] = await Promise.race([once(lines, "line"), exit.then(() => [undefined])]);
  if (line === undefined) throw new Error("the emulator did not start");
  const stop = async () => {
    emulator.kill();
    await exit;
  };
  return { ready: JSON.parse(line), stop };
}

/** @param {any} caller */
function credentialsOf({ credentials }) {
  return {
    accessKeyId: credentials.access_key_id,
    secretAccessKey: credentials.secret_access_key,
    sessionToken: credentials.session_token,
  };
}

/**
 * Starts the emulator.
 *
 * @param {string[]} options
 * @returns {Promise<Caller & { stop(): Promise<void> }>}
 */
export async function startEmulator(...options) {
  const { ready, stop } = await start(MANIFEST, options);
  const caller = ready.callers.find((/** @type {any} */ each) => "stag" in each.may_assume);
  return {
    region: ready.region,
    stsEndpoint: ready.sts_url,
    url: ready.stages.stag.url,
    roleArn: caller.may_assume.stag,
    base: credentialsOf(caller),
    stop,
  };
}

/**
 * Starts the emulator with an API of every kind, for one caller.
 *
 * @param {string[]} options
 */
export async function startFronts(...options) {
  const { ready, stop } = await start(FRONTS, options);
  const [caller] = ready.callers;
  return {
    region: /** @type {string} */ (ready.region),
    stsEndpoint: /** @type {string} */ (ready.sts_url),
    stages: /** @type {Record<string, { url: string, service: string }>} */ (ready.stages),
    roles: /** @type {Record<string, string>} */ (caller.may_assume),
    own: credentialsOf(caller),
    stop,
  };
}

/**
 * A caller without what only this process can use: to be handed to a program as JSON.
 *
 * @param {Caller} emulator
 * @param {string} sessionName
 */
export function inputOf({ region, stsEndpoint, url, roleArn, base }, sessionName) {
  return { region, stsEndpoint, url, roleArn, base, sessionName };
}
