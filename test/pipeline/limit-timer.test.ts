// One timer for one limit that moves.

import { expect, test } from "bun:test";
import { LimitTimer } from "../../src/pipeline/limit-timer.ts";
import { fakeClock } from "../support/clock.ts";

const createWatch = (clock: ReturnType<typeof fakeClock>, onReached: () => void): LimitTimer =>
  new LimitTimer(
    {
      monotonicMs: clock.monotonicMs,
      after: (ms, due) => ({ stop: clock.setTimer(ms, () => due.onDue()) }),
    },
    { limitReached: onReached },
  );

test("it fires once when its limit is reached", async () => {
  const clock = fakeClock();
  const fired: number[] = [];
  const watch = createWatch(clock, () => void fired.push(clock.monotonicMs()));
  watch.set(100);
  await clock.advance(99);
  expect(fired).toEqual([]);
  await clock.advance(1_000);
  expect(fired).toEqual([100]);
  expect(clock.waiting()).toBe(0);
});

test("a limit that moves away costs no timer, and one that moves closer is kept", async () => {
  const clock = fakeClock();
  const fired: number[] = [];
  const watch = createWatch(clock, () => void fired.push(clock.monotonicMs()));
  watch.set(100);
  for (let at = 0; at < 1_000; at += 10) {
    await clock.advance(10);
    watch.set(clock.monotonicMs() + 100);
    expect(clock.waiting()).toBe(1);
  }
  expect(fired).toEqual([]);
  watch.set(clock.monotonicMs() + 5);
  await clock.advance(5);
  expect(fired).toEqual([1_005]);
});

test("whoever is told may set it again, and a limit in the past fires at once", async () => {
  const clock = fakeClock();
  const fired: number[] = [];
  const watch = createWatch(clock, () => {
    fired.push(clock.monotonicMs());
    if (fired.length < 3) watch.set(clock.monotonicMs() + 50);
  });
  await clock.advance(500);
  watch.set(10);
  await clock.advance(1_000);
  expect(fired).toEqual([500, 550, 600]);
});

test("stopped, it never fires and leaves no timer", async () => {
  const clock = fakeClock();
  let count = 0;
  const watch = createWatch(clock, () => void count++);
  watch.set(100);
  watch.stop();
  watch.stop();
  expect(clock.waiting()).toBe(0);
  await clock.advance(1_000);
  expect(count).toBe(0);
});
