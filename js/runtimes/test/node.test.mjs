// Node: ESM, CommonJS, and the entry that takes the module from its caller.

import { after, before, test } from "node:test";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { freshApp, outcomeOf } from "../lib/run.mjs";

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

for (const [name, program] of [
  ["esm", "main.mjs"],
  ["commonjs", "main.cjs"],
  ["slim", "slim.mjs"],
]) {
  test(`Node, ${name}`, async () => {
    const input = JSON.stringify(inputOf(emulator, `node-${name}`));
    assertOutcome(await outcomeOf(process.execPath, [program, input], app), `node-${name}`);
  });
}
