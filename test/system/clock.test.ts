import { expect, test } from "bun:test";
import { pause, systemClock } from "../../src/system/clock.ts";
import { fakeClock, settleQueues } from "../support/clock.ts";

test("pause ends when its time is over and leaves nothing behind", async () => {
  const clock = fakeClock();
  const abort = new AbortController();
  const over = pause(clock, 500, abort.signal);
  expect(clock.waiting()).toBe(1);
  await clock.advance(499);
  expect(clock.waiting()).toBe(1);
  await clock.advance(1);
  expect(await over).toBe(true);
  expect(clock.waiting()).toBe(0);
});

test("pause ends with false as soon as the signal is aborted", async () => {
  const clock = fakeClock();
  const abort = new AbortController();
  const over = pause(clock, 500, abort.signal);
  abort.abort();
  expect(await over).toBe(false);
  expect(clock.waiting()).toBe(0);
  expect(await pause(clock, 500, abort.signal)).toBe(false);
  expect(clock.waiting()).toBe(0);
});

test("the system clock fires, cancels, and does not fire at once for a very long wait", async () => {
  let fired = "";
  const cancelLong = systemClock.setTimer(2 ** 40, () => (fired += "long "));
  const cancelShort = systemClock.setTimer(0, () => (fired += "cancelled "));
  cancelShort();
  await new Promise<void>((resolve) => systemClock.setTimer(0, resolve));
  await settleQueues();
  cancelLong();
  cancelLong();
  expect(fired).toBe("");
  const before = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
});

test("the fake clock fires in order of time, then of arming", async () => {
  const clock = fakeClock(1_000);
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push("c"));
  clock.setTimer(10, () => {
    fired.push("a");
    clock.setTimer(5, () => fired.push("nested"));
  });
  clock.setTimer(10, () => fired.push("b"));
  const cancel = clock.setTimer(12, () => fired.push("never"));
  cancel();
  await clock.advance(30);
  expect(fired).toEqual(["a", "b", "nested", "c"]);
  expect(clock.nowMs()).toBe(1_030);
  expect(clock.monotonicMs()).toBe(30);
});
