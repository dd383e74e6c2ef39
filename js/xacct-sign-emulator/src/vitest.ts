import { afterAll, beforeAll, beforeEach, type TestContext } from "vitest";
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
      // `afterEach` of its own is not told of a test where another `afterEach` throws.
      afterEach: (hook) =>
        beforeEach(({ task, onTestFinished }) => onTestFinished(() => hook(task, task.result?.state === "fail"))),
      // Of a test that skips itself Vitest tells no further hook before 3.1.
      isOver: (task) => (task as TestContext["task"]).result?.state === "skip",
    },
    options,
  );
}
