import { expect, test } from "bun:test";
import { createTicker } from "../../src/system/ticker.ts";

function steppedClock() {
  let now = 0;
  const timers: { at: number; run: () => void }[] = [];
  return {
    monotonicMs: () => now,
    setTimer(ms: number, run: () => void) {
      const entry = { at: now + ms, run };
      timers.push(entry);
      return () => {
        const at = timers.indexOf(entry);
        if (at >= 0) timers.splice(at, 1);
      };
    },
    advance(ms: number) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter((each) => each.at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.splice(timers.indexOf(due), 1);
        now = due.at;
        due.run();
      }
      now = end;
    },
    pending: () => timers.length,
  };
}

test("fires once, never early and at most one tick late", () => {
  const clock = steppedClock();
  const ticker = createTicker(clock);
  const fired: number[] = [];
  ticker.setTimer(50, () => fired.push(clock.monotonicMs()));
  clock.advance(49);
  expect(fired).toEqual([]);
  clock.advance(200);
  expect(fired).toHaveLength(1);
  expect(fired[0]).toBeGreaterThanOrEqual(50);
  expect(fired[0]).toBeLessThanOrEqual(70);
});

test("a cancelled one never fires, and a ticker with nothing to wait for rests", () => {
  const clock = steppedClock();
  const ticker = createTicker(clock);
  let count = 0;
  const cancel = ticker.setTimer(10, () => count++);
  cancel();
  clock.advance(100);
  expect(count).toBe(0);
  expect(clock.pending()).toBe(0);
});

test("what a timer sets while it fires is kept", () => {
  const clock = steppedClock();
  const ticker = createTicker(clock);
  const fired: string[] = [];
  ticker.setTimer(10, () => {
    fired.push("first");
    ticker.setTimer(10, () => fired.push("second"));
  });
  clock.advance(200);
  expect(fired).toEqual(["first", "second"]);
  expect(clock.pending()).toBe(0);
});

test("a thousand waiters share one timer", () => {
  const clock = steppedClock();
  const ticker = createTicker(clock);
  for (let i = 0; i < 1000; i++) ticker.setTimer(60_000, () => undefined);
  expect(clock.pending()).toBe(1);
});
