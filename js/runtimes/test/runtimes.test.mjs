// Deno and Bun.

import { after, before, test } from "node:test";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { freshApp, notRun, outcomeOf, runs, tool } from "../lib/run.mjs";

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

// No leave to read files or the environment: only the network, and only this machine.
const DENO = ["run", "--no-prompt", "--allow-net=127.0.0.1"];

for (const { name, program, options } of [
  { name: "Deno", program: "deno", options: [...DENO, "main.mjs"] },
  { name: "Deno, with the environment", program: "deno", options: [...DENO, "--allow-env", "main.mjs"] },
  { name: "Bun", program: "bun", options: ["run", "main.mjs"] },
  { name: "Bun, CommonJS", program: "bun", options: ["run", "main.cjs"] },
]) {
  test(name, async (context) => {
    const needed = `npm's package ${program} has no build for this machine`;
    if (!(await runs(tool(program)))) return notRun(context, name, needed);
    const input = JSON.stringify(inputOf(emulator, program));
    assertOutcome(await outcomeOf(tool(program), [...options, input], app), program);
  });
}
