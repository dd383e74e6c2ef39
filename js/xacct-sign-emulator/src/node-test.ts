import { after, afterEach, before, beforeEach } from "node:test";
import { type Emulator, type EmulatorOptions, useWith, XacctSignError } from "./core.js";

/** The name of what is around all tests. */
const ROOT = "<root>";

/**
 * An emulator for the tests of this file, or of the `describe` in which this is called: it is started before them and closed after them, and
 * `calls` is empty when a test begins.
 *
 * @throws XacctSignError `invalid_argument` within a test
 */
export function useEmulator(options: EmulatorOptions): Emulator {
  return useWith(
    {
      beforeAll,
      afterAll: after,
      // Of a test that skips itself no further hook is told.
      beforeEach: (hook) => beforeEach((test) => hook(test, test.signal)),
      afterEach: (hook) => afterEach((test) => hook(test, "passed" in test && !test.passed)),
    },
    options,
  );
}

/** What is running already has the hook run at once, and waits for it no more. */
function beforeAll(hook: () => Promise<void>): void {
  let isAtOnce = true;
  let within: string | undefined;
  before((around) => {
    if (isAtOnce && around.name !== ROOT) within = around.name;
    return within === undefined ? hook() : undefined;
  });
  isAtOnce = false;
  if (within === undefined) return;
  throw new XacctSignError("invalid_argument", `\`useEmulator\` was called within \`${within}\`, which runs already`, {
    hint: "call it at the top of the file or of a `describe`; a test may start an emulator of its own with `startEmulator`",
  });
}
