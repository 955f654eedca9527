// Many timers that hardly ever fire (every request has two or three deadlines), kept by one real timer.
// Setting and cancelling cost a set operation instead of a timer; in exchange they fire up to one tick late.

import type { Clock } from "./clock.ts";

export type Ticker = Pick<Clock, "monotonicMs" | "setTimer">;

const tickMs = 20;

export function createTicker(clock: Ticker): Ticker {
  const waiting = new Set<{ readonly dueMs: number; readonly run: () => void }>();
  let isTicking = false;

  const tick = (): void => {
    const nowMs = clock.monotonicMs();
    for (const entry of waiting) {
      if (entry.dueMs > nowMs) continue;
      waiting.delete(entry);
      entry.run();
    }
    isTicking = waiting.size > 0;
    if (isTicking) clock.setTimer(tickMs, tick);
  };

  return {
    monotonicMs: () => clock.monotonicMs(),
    setTimer(delayMs, run) {
      const entry = { dueMs: clock.monotonicMs() + delayMs, run };
      waiting.add(entry);
      if (!isTicking) {
        isTicking = true;
        clock.setTimer(tickMs, tick);
      }
      return () => waiting.delete(entry);
    },
  };
}
