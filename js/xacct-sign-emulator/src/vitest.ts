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
      beforeEach: (hook) => beforeEach(({ task }) => hook(task)),
      afterEach: (hook) => afterEach(({ task }) => hook(task, task.result?.state === "fail")),
    },
    options,
  );
}
