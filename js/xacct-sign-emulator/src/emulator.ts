import { type Call, Calls } from "./calls.js";
import { endAll, withEnvironment } from "./environment.js";
import { kindOf, XacctSignError } from "./errors.js";
import { answer } from "./exchange.js";
import { listen, type Port } from "./listening.js";
import { moduleOf, rethrown } from "./module.js";
import { checked, type EmulatorOptions } from "./options.js";
import { upstreamOf } from "./upstream/upstream.js";

/** A caller's credentials, in the shape of the AWS SDK's. */
export interface CallerCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** STS and the APIs of a manifest, on free ports of this machine. Once it is closed it throws `emulator_not_running`, but for `calls`. */
export interface Emulator {
  /** The URL of STS. */
  readonly stsUrl: string;
  /** What was sent to the APIs, in the order in which it came, refused calls too. They stay when it is closed. */
  readonly calls: readonly Call[];
  /**
   * The URL of a stage's API, without a `/` at its end.
   *
   * @throws XacctSignError `unknown_stage`
   */
  url(stage: string): string;
  /**
   * The text of `callers.json` of a stage with the target `server`, with the emulator's issuers: for a server's own verifier, made with
   * `development: true`.
   *
   * @throws XacctSignError `unknown_stage`, `invalid_option` for another target
   */
  callers(stage: string): string;
  /**
   * The credentials of a caller's own role, the one that it has for this stage: what it assumes the API's role with.
   *
   * @throws XacctSignError `unknown_caller`, `unknown_stage`, `caller_not_on_stage`
   */
  credentials(caller: string, stage: string): CallerCredentials;
  /**
   * Runs a function as a caller: with the environment that `xacct-sign emulator --as` gives a program. After it the environment is as it was.
   * One within another nests. One that begins while another is open, and not within it, is refused, as a process has one environment; and
   * so is one that ends before another that began within it.
   *
   * @throws XacctSignError `unknown_caller`, `unknown_stage`, `caller_not_on_stage`, `as_caller_overlaps`, `invalid_argument`, and what the function throws
   */
  asCaller<T>(caller: string, stage: string, run: () => T | Promise<T>): Promise<T>;
  /**
   * Breaks off what is under way, puts back the environment where `asCaller` has not ended, which a warning says, and frees the ports.
   */
  close(): Promise<void>;
}

/**
 * Starts an emulator of a manifest.
 *
 * @throws XacctSignError with what is wrong with the manifest or with the options
 */
export function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  return startWith(options, new Calls({ keepsSts: false }));
}

/** @internal The same, with calls that are kept elsewhere, too. Until something has `begun` it does not keep the process. */
export async function startWith(options: EmulatorOptions, calls: Calls, begun?: Promise<void>): Promise<Emulator> {
  const { upstream, ...setup } = await checked(options);
  const { url: upstreamUrl, send } = upstreamOf(upstream);
  const emulator = await moduleOf({ ...setup, upstream: upstreamUrl });
  for (const arn of emulator.unknownBoundaries) {
    const message = `the permissions boundary \`${arn}\` is not known here and limits nobody: give its document with \`policies\``;
    process.emitWarning(message, { type: "XacctSignWarning", code: "unknown_boundary" });
  }

  const ports: Port[] = [];
  let isClosed = false;
  const running = () => {
    if (isClosed)
      throw notRunning(
        "the emulator is closed",
        "close it behind whatever needs it; `startEmulator` starts another one",
      );
    return emulator;
  };
  const close = async () => {
    isClosed = true;
    endAll(emulator);
    await Promise.all(ports.map((port) => port.close()));
  };
  const open = async (stage: string) => {
    const endpoint = { emulator, stage, send, calls };
    const port = await listen(
      (request, response) => void answer(endpoint, request, response, false).catch(() => response.destroy()),
      (request, response) => void answer(endpoint, request, response, true).catch(() => response.destroy()),
      begun,
    );
    ports.push(port);
    return port.origin;
  };
  try {
    const stsUrl = await open("");
    const stages: string[] = [];
    for (const stage of emulator.stages) stages.push(stage, await open(stage));
    rethrown(() => emulator.listens(stsUrl, stages));
    return {
      get stsUrl() {
        running();
        return stsUrl;
      },
      calls: calls.list,
      url: (stage) => rethrown(() => running().url(String(stage))),
      callers: (stage) => rethrown(() => running().callers(String(stage))),
      credentials(caller, stage) {
        const [accessKeyId = "", secretAccessKey = "", sessionToken = ""] = rethrown(() =>
          running().credentials(String(caller), String(stage)),
        );
        return { accessKeyId, secretAccessKey, sessionToken };
      },
      async asCaller(caller, stage, run) {
        const emulator = running();
        if (typeof run !== "function") {
          throw new XacctSignError("invalid_argument", `\`asCaller\` got ${kindOf(run)} in place of a function`, {
            hint: "give what is to be run as the caller: asCaller(caller, stage, () => ...)",
          });
        }
        const changes = () => {
          const there = Object.entries(process.env).flatMap(([name, value]) => [name, value ?? ""]);
          return pairs(rethrown(() => emulator.changes(String(caller), String(stage), there)));
        };
        return withEnvironment(emulator, String(caller), changes, run);
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function pairs(inTurns: (string | undefined)[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (let index = 0; index < inTurns.length; index += 2) found.set(inTurns[index] ?? "", inTurns[index + 1]);
  return found;
}

/** @internal What is asked of an emulator that does not run. */
export function notRunning(message: string, hint: string): XacctSignError {
  return new XacctSignError("emulator_not_running", message, { hint });
}
