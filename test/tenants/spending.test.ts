// Days and months of a tenant on a clock that steps as it likes: nothing is forgotten, nothing counts twice, nothing is handed out
// anew.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { noLimits } from "../../src/tenants/limit-store.ts";
import { createSpending, dayOf, zeroAmount } from "../../src/tenants/spending.ts";
import { type LocalMeter, localMeter } from "../support/local-meter.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 2, 30, 23, 50);

function stepping() {
  let nowMs = startMs;
  let turns = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
  const meter = localMeter("alice", { clock, onCharge: () => undefined, onNewDay: () => void turns++ });
  const none = { usdPerDay: null, usdPerMonth: null, tokensPerMonth: null };
  meter.adjust({ ...noLimits, budget: { ...none, tokensPerDay: 100 } });
  return { meter, turns: () => turns, set: (ms: number) => void (nowMs = ms), now: () => nowMs };
}

function use(meter: LocalMeter, tokens: number): boolean {
  const entry = meter.enter();
  const isAdmitted = meter.usedUp() === null && entry.reserve({ tokens, nanoUsd: 0 }) === null;
  entry.leave();
  entry.charge(isAdmitted ? { tokens, nanoUsd: 0 } : zeroAmount);
  return isAdmitted;
}

describe("a clock that steps over midnight and back", () => {
  test("neither forgets nor doubles what was spent", () => {
    const { meter, set } = stepping();
    expect(use(meter, 90)).toBe(true);
    set(startMs + hourMs);
    expect(meter.spent().day.tokens).toBe(0);
    expect(use(meter, 70)).toBe(true);
    set(startMs);
    expect(meter.spent().day.tokens).toBe(90);
    expect([use(meter, 30), use(meter, 1)]).toEqual([true, false]);
    set(startMs + hourMs);
    expect(meter.spent()).toMatchObject({ day: { tokens: 70 }, month: { tokens: 190 } });
    set(startMs + 2 * dayMs);
    expect(meter.spent()).toMatchObject({ day: { tokens: 0 }, month: { tokens: 0 } });
    set(startMs + hourMs);
    expect(meter.spent()).toMatchObject({ day: { tokens: 70 }, month: { tokens: 190 } });
  });

  test("a day before the first one is none of its own, unless it is long ago: then somebody is asked for it", () => {
    const { meter, set, turns } = stepping();
    use(meter, 100);
    set(startMs - dayMs);
    expect(use(meter, 1)).toBe(false);
    expect(turns()).toBe(0);
    set(startMs - 5 * dayMs);
    expect(use(meter, 1)).toBe(true);
    expect(turns()).toBe(1);
  });

  test("an answer belongs to the day in which its request began, and leaves the next one its whole budget", () => {
    const { meter, set } = stepping();
    const entry = meter.enter();
    expect(entry.reserve({ tokens: 100, nanoUsd: 0 }, { startedAtMs: startMs })).toBeNull();
    set(startMs + hourMs);
    const next = meter.enter();
    expect(next.reserve({ tokens: 100, nanoUsd: 0 })).toBeNull();
    entry.charge({ tokens: 80, nanoUsd: 0 });
    expect(meter.spent().day.tokens).toBe(0);
    next.charge({ tokens: 60, nanoUsd: 0 });
    expect(meter.spent().day.tokens).toBe(60);
    expect(meter.periods().days).toEqual([
      { startMs: dayOf(startMs), tokens: 80, nanoUsd: 0 },
      { startMs: dayOf(startMs) + dayMs, tokens: 60, nanoUsd: 0 },
    ]);
  });
});

test("whatever the clock does, the sums of days are what was charged, each under its budget but for one", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          stepMs: fc.oneof(fc.constant(0), fc.integer({ min: -3 * dayMs, max: 3 * dayMs })),
          tokens: fc.integer({ min: 1, max: 150 }),
        }),
        { maxLength: 60 },
      ),
      (uses) => {
        const { meter, set, now } = stepping();
        let total = 0;
        for (const { stepMs, tokens } of uses) {
          set(now() + stepMs);
          if (use(meter, tokens)) total += tokens;
        }
        const { days, months } = meter.periods();
        const sumOf = (all: typeof days): number => all.reduce((sum, each) => sum + each.tokens, 0);
        expect([sumOf(days), sumOf(months)]).toEqual([total, total]);
        for (const day of days) expect(day.tokens).toBeLessThan(100 + 150);
      },
    ),
  );
});

test("a clock that runs wild does not fill the memory", () => {
  let nowMs = startMs;
  const spending = createSpending(() => nowMs);
  for (let day = 0; day < 5_000; day++) {
    nowMs += dayMs;
    spending.charge(spending.at(nowMs), zeroAmount, { tokens: 1, nanoUsd: 1 });
  }
  const { days, months } = spending.periods();
  expect([days.length, months.length]).toEqual([62, 24]);
});
