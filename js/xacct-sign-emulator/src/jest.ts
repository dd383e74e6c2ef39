import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { type Emulator, type EmulatorOptions, useWith } from "./core.js";

/** Jest tells a hook nothing of the test; but runs hooks of one test after those of another. */
const TEST = {};

/**
 * An emulator for the tests of this file, or of the `describe` in which this is called: it is started before them and closed after them, and
 * `calls` is empty when a test begins.
 */
export function useEmulator(options: EmulatorOptions): Emulator {
  return useWith(
    {
      beforeAll,
      afterAll,
      beforeEach: (hook) => beforeEach(() => hook(TEST)),
      afterEach: (hook) => afterEach(() => hook(TEST, false)),
    },
    options,
  );
}
