// Where checks wait for one another.

import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { Gate } from "../src/gate.js";

afterEach(() => vi.useRealTimers());

/** How many have gone on. */
function waiting(gate: Gate, count: number): { passed: number } {
  const told = { passed: 0 };
  for (let one = 0; one < count; one++) {
    gate.wait().then(() => {
      told.passed += 1;
    });
  }
  return told;
}

test("all who wait go on at once, and who waits later waits for the next time", async () => {
  const gate = new Gate();
  gate.open();
  const first = waiting(gate, 3);
  await setImmediate();
  expect(first.passed).toBe(0);
  gate.open();
  const second = waiting(gate, 2);
  await setImmediate();
  expect([first.passed, second.passed]).toEqual([3, 0]);
  gate.open();
  await setImmediate();
  expect(second.passed).toBe(2);
});

test("nobody waits for more than ten seconds, and no timer is left behind", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const gate = new Gate();
  const told = waiting(gate, 2);
  await vi.advanceTimersByTimeAsync(9_999);
  expect(told.passed).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(told.passed).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
  waiting(gate, 1);
  gate.open();
  expect(vi.getTimerCount()).toBe(0);
});
