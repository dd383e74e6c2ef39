import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Emulator, type EmulatorOptions, useWith } from "./core.js";

/**
 * An emulator for the tests of this file, or of the `describe` in which this is called: it is started before them and closed after them, and
 * `calls` is empty when a test begins.
 */
export function useEmulator(options: EmulatorOptions): Emulator {
  return useWith(
    {
      beforeAll,
      afterAll,
      beforeEach,
      afterEach: (hook) => afterEach(({ task }) => hook(task.result?.state === "fail")),
    },
    options,
  );
}
