// Where checks wait for one another.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Gate } from "../src/gate.js";
import { PLACES } from "../wasm/constants.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** How many have gone on. */
function waiting(gate: Gate, on: string, count: number): { passed: number } {
  const told = { passed: 0 };
  for (let one = 0; one < count; one++) {
    gate.wait(on).then(() => {
      told.passed += 1;
    });
  }
  return told;
}

describe.each([
  ["who waits is woken", true, 0],
  ["who waits looks himself", false, 25],
])("%s", (_, isWoken, later) => {
  test("all who wait go on at once, and who waits later waits for the next time", async () => {
    const gate = new Gate(isWoken);
    gate.open("a");
    const first = waiting(gate, "a", 3);
    await vi.advanceTimersByTimeAsync(later);
    expect(first.passed).toBe(0);
    gate.open("a");
    const second = waiting(gate, "a", 2);
    await vi.advanceTimersByTimeAsync(later);
    expect([first.passed, second.passed]).toEqual([3, 0]);
    gate.open("a");
    await vi.advanceTimersByTimeAsync(later);
    expect(second.passed).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a report wakes nobody who waits for something else", async () => {
    const gate = new Gate(isWoken);
    const [first, second] = [waiting(gate, "a", 2), waiting(gate, "b", 2)];
    gate.open("a");
    await vi.advanceTimersByTimeAsync(later);
    expect([first.passed, second.passed]).toEqual([2, 0]);
  });

  test("nobody waits for more than ten seconds, and no timer is left behind", async () => {
    const gate = new Gate(isWoken);
    const told = waiting(gate, "a", 2);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(told.passed).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(told.passed).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});

// Each of them is another request's on Workers.
test("who looks himself is settled by no other one", async () => {
  const gate = new Gate(false);
  const told = waiting(gate, "a", 1);
  gate.open("a");
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(told.passed).toBe(0);
  await vi.advanceTimersByTimeAsync(25);
  expect(told.passed).toBe(1);
});

test("there are so many places of each name, and who leaves frees one", () => {
  const gate = new Gate(true);
  const leave = Array.from({ length: PLACES }, () => gate.enter("proof 0"));
  expect(leave).not.toContain(undefined);
  expect(gate.enter("proof 0")).toBeUndefined();
  expect(gate.enter("known_proof 0")).toBeDefined();
  expect(gate.enter("token 0")).toBeDefined();
  leave[0]?.();
  expect(gate.enter("proof 0")).toBeDefined();
  expect(gate.enter("proof 0")).toBeUndefined();
});
