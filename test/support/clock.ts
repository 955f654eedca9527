// Clocks for tests: one that only moves when it is told to, one on which no wait takes time.
// No test may sleep; it moves a clock instead.

import type { Clock } from "../../src/system/clock.ts";

export type FakeClock = Clock & {
  /** Moves time, firing due timers in order and letting promises settle after each. */
  advance(byMs: number): Promise<void>;
  /** Pending timers. A leak test checks that there are 0. */
  waiting(): number;
};

type Timer = { readonly dueMs: number; readonly order: number; readonly run: () => void };

/** Runs everything that is already due on the microtask and immediate queues. */
export function settleQueues(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function fakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let order = 0;
  const nextDue = (untilMs: number): Timer | null => {
    let next: Timer | null = null;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
      if (
        next === null ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order)
      )
        next = timer;
    }
    return next;
  };
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, run) {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(byMs) {
      const untilMs = elapsedMs + byMs;
      await settleQueues();
      for (let timer = nextDue(untilMs); timer !== null; timer = nextDue(untilMs)) {
        timers.delete(timer);
        elapsedMs = Math.max(elapsedMs, timer.dueMs);
        timer.run();
        await settleQueues();
      }
      elapsedMs = untilMs;
    },
    waiting: () => timers.size,
  };
}

/** Every timer fires on the next turn of the loop, and time jumps to its due time. */
export function instantClock(startMs = Date.UTC(2026, 0, 1)): Clock {
  let elapsedMs = 0;
  return {
    nowMs: () => startMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, run) {
      const dueMs = elapsedMs + Math.max(0, delayMs);
      const immediate = setImmediate(() => {
        elapsedMs = Math.max(elapsedMs, dueMs);
        run();
      });
      return () => clearImmediate(immediate);
    },
  };
}
