import { Calls } from "./calls.js";
import { type Emulator, notRunning, startWith } from "./emulator.js";
import { testBegins, testEnds } from "./environment.js";
import type { EmulatorOptions } from "./options.js";

/** The hooks of a test runner. */
export interface Hooks {
  readonly beforeAll: (hook: () => Promise<void>) => void;
  readonly afterAll: (hook: () => Promise<void>) => void;
  /** Its hook is told which test begins, and where the runner has one the signal that ends with it. */
  readonly beforeEach: (hook: (test: object, signal?: AbortSignal) => void) => void;
  /** Its hook is told which test is over, and whether it has failed, where the runner says so. */
  readonly afterEach: (hook: (test: object, hasFailed: boolean) => void) => void;
  /** Whether a test that began is over, where the runner tells no hook of it. */
  readonly isOver?: (test: object) => boolean;
}

const HINT =
  "it runs in tests and hooks of the file or `describe` in which `useEmulator` was called, from the hook that starts it to the one that closes it";

/** An emulator for the tests around which these hooks stand. */
export function useWith(hooks: Hooks, options: EmulatorOptions): Emulator {
  const { beforeAll, afterAll, beforeEach, afterEach, isOver = () => false } = hooks;
  const calls = new Calls({ keepsSts: true });
  let begin = () => {};
  const begun = new Promise<void>((fulfil) => {
    begin = fulfil;
  });
  let starting: Promise<Emulator> | undefined;
  let emulator: Emulator | undefined;
  const running = () => {
    if (emulator === undefined) throw notRunning("the emulator does not run", HINT);
    return emulator;
  };
  const close = async () => {
    const closing = starting;
    starting = undefined;
    emulator = undefined;
    // Its hook may have been given up, and nobody else closes what comes up behind that. Why it does not start its hook says.
    await closing?.then(
      (late) => late.close(),
      () => {},
    );
  };
  beforeAll(async () => {
    // Where there is no test, `node:test` runs the hook that starts it, and none that closes it.
    const own = startWith(options, calls, begun);
    starting = own;
    const started = await own;
    if (starting === own) emulator = started;
  });
  beforeEach((test, signal) => {
    begin();
    testBegins(test, isOver);
    signal?.addEventListener("abort", () => testEnds(test), { once: true });
    calls.clear();
  });
  afterEach((test, hasFailed) => {
    testEnds(test);
    const refused = hasFailed ? calls.refused() : [];
    if (refused.length > 0) console.error(["xacct-sign-emulator refused:", ...refused].join("\n"));
  });
  afterAll(close);
  return {
    get stsUrl() {
      return running().stsUrl;
    },
    calls: calls.list,
    url: (stage) => running().url(stage),
    callers: (stage) => running().callers(stage),
    credentials: (caller, stage) => running().credentials(caller, stage),
    asCaller: async (caller, stage, run) => running().asCaller(caller, stage, run),
    close,
  };
}
