import { after, afterEach, before, beforeEach } from "node:test";
import { type Emulator, type EmulatorOptions, useWith } from "./core.js";

/**
 * An emulator for the tests of this file, or of the `describe` in which this is called: it is started before them and closed after them, and
 * `calls` is empty when a test begins.
 */
export function useEmulator(options: EmulatorOptions): Emulator {
  return useWith(
    {
      beforeAll: before,
      afterAll: after,
      // Of a test that skips itself no further hook is told.
      beforeEach: (hook) => beforeEach((test) => hook(test, test.signal)),
      afterEach: (hook) => afterEach((test) => hook(test, "passed" in test && !test.passed)),
    },
    options,
  );
}
