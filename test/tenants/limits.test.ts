// The meter of a tenant on a clock that the test moves: windows, places, budgets, what is promised and what is charged.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../src/canon/failure.ts";
import { type Limits, noLimits } from "../../src/tenants/limit-store.ts";
import { fakeClock } from "../support/clock.ts";
import { type LocalEntry, localMeter } from "../support/local-meter.ts";

const noBudget = { usdPerDay: null, usdPerMonth: null, tokensPerDay: null, tokensPerMonth: null };

function meterWith(limits: Partial<Limits>, startMs = Date.UTC(2026, 0, 31, 12)) {
  const clock = fakeClock(startMs);
  const charges: string[] = [];
  const meter = localMeter("alice", { clock, onCharge: (name) => void charges.push(name) });
  meter.adjust({ ...noLimits, ...limits });
  return { clock, meter, charges };
}

function refusal(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

const nothing = { tokens: 0, nanoUsd: 0 };
const finish = (entry: LocalEntry, real = nothing): void => {
  entry.leave();
  entry.charge(real);
};

describe("requests a minute", () => {
  test("200 at once: exactly the limit gets in, and the rest hears when", () => {
    const { meter } = meterWith({ requestsPerMinute: 30 });
    const outcomes = Array.from({ length: 200 }, () => {
      try {
        finish(meter.enter());
        return "in";
      } catch (thrown) {
        if (!(thrown instanceof Failure)) throw thrown;
        expect(thrown.kind).toBe("over-limit");
        expect(thrown.retryAfterMs).toBeGreaterThan(59_000);
        expect(thrown.retryAfterMs).toBeLessThanOrEqual(61_000);
        return "out";
      }
    });
    expect(outcomes.filter((each) => each === "in").length).toBe(30);
    expect(meter.status().requests).toMatchObject({ limit: 30, remaining: 0 });
  });

  test("after the time that a refusal names there is room again, not before", async () => {
    const { clock, meter } = meterWith({ requestsPerMinute: 2 });
    finish(meter.enter());
    await clock.advance(20_000);
    finish(meter.enter());
    const waitMs = refusal(() => meter.enter()).retryAfterMs ?? 0;
    await clock.advance(waitMs - 1);
    expect(refusal(() => meter.enter()).kind).toBe("over-limit");
    await clock.advance(1);
    finish(meter.enter());
    expect(refusal(() => meter.enter()).kind).toBe("over-limit");
  });

  test("no minute ever holds more than the limit, whenever requests come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (pauses, limit) => {
          const { clock, meter } = meterWith({ requestsPerMinute: limit });
          const admitted: number[] = [];
          for (const pauseMs of pauses) {
            await clock.advance(pauseMs);
            try {
              finish(meter.enter());
              admitted.push(clock.monotonicMs());
            } catch (thrown) {
              if (!(thrown instanceof Failure)) throw thrown;
            }
          }
          for (const endMs of admitted)
            expect(
              admitted.filter((atMs) => atMs <= endMs && atMs > endMs - 60_000).length,
            ).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("tokens a minute", () => {
  test("what is promised counts at once, what was used takes its place", () => {
    const { meter } = meterWith({ tokensPerMinute: 1_000 });
    const [one, two] = [meter.enter(), meter.enter()];
    expect(one.reserve({ tokens: 600, nanoUsd: 0 })).toBeNull();
    expect(refusal(() => two.reserve({ tokens: 600, nanoUsd: 0 })).kind).toBe("over-limit");
    finish(one, { tokens: 100, nanoUsd: 0 });
    expect(meter.usedThisMinute().tokens).toBe(100);
    expect(two.reserve({ tokens: 600, nanoUsd: 0 })).toBeNull();
    finish(two, { tokens: 900, nanoUsd: 0 });
    expect(meter.status().tokens).toMatchObject({ limit: 1_000, remaining: 0 });
  });

  test("an answer that ends after its minute is charged in the minute of its end", async () => {
    const { clock, meter } = meterWith({ tokensPerMinute: 1_000 });
    const entry = meter.enter();
    entry.reserve({ tokens: 400, nanoUsd: 0 });
    await clock.advance(120_000);
    expect(meter.usedThisMinute().tokens).toBe(0);
    finish(entry, { tokens: 700, nanoUsd: 0 });
    expect(meter.usedThisMinute().tokens).toBe(700);
    await clock.advance(61_000);
    expect(meter.usedThisMinute().tokens).toBe(0);
  });

  test("whoever is refused hears whether an answer has to end or the minute to pass, and how much is reserved", async () => {
    const { clock, meter } = meterWith({ tokensPerMinute: 1_000 });
    const runs = meter.enter();
    runs.reserve({ tokens: 600, nanoUsd: 7 });
    expect(meter.reserved()).toEqual({ tokens: 600, nanoUsd: 7 });
    const byOther = refusal(() => meter.enter().reserve({ tokens: 600, nanoUsd: 0, expectedTokens: 500 }));
    expect(byOther.message).toContain("is not reached, but running requests");
    expect(byOther.retryAfterMs).toBe(5_000);
    finish(meter.enter(), { tokens: 600, nanoUsd: 0 });
    await clock.advance(20_000);
    // The end of the other one would not help.
    const byMinute = refusal(() => meter.enter().reserve({ tokens: 600, nanoUsd: 0, expectedTokens: 500 }));
    expect(byMinute.message).toContain("is reached");
    expect(byMinute.retryAfterMs).toBeGreaterThan(30_000);
    finish(runs);
    expect(meter.reserved()).toEqual(nothing);
  });

  test("what can never fit says so", () => {
    const { meter } = meterWith({ tokensPerMinute: 100 });
    expect(refusal(() => meter.enter().reserve({ tokens: 101, nanoUsd: 0 })).message).toContain("101 tokens");
  });
});

describe("requests at once", () => {
  test("a place comes back once, however often it is given back", () => {
    const { meter } = meterWith({ maxConcurrent: 2 });
    const [one, two] = [meter.enter(), meter.enter()];
    expect(refusal(() => meter.enter()).retryAfterMs).toBe(1_000);
    one.leave();
    one.leave();
    expect(meter.running()).toBe(1);
    const three = meter.enter();
    expect(refusal(() => meter.enter()).kind).toBe("over-limit");
    for (const each of [two, three]) finish(each);
    expect(meter.running()).toBe(0);
  });

  test("a refused request counts neither as one that runs nor as one of the minute", () => {
    const { meter } = meterWith({ maxConcurrent: 1, requestsPerMinute: 5 });
    const entry = meter.enter();
    for (let i = 0; i < 20; i++) refusal(() => meter.enter());
    expect(meter.usedThisMinute().requests).toBe(1);
    entry.leave();
    expect(meter.running()).toBe(0);
  });
});

describe("budgets", () => {
  test("200 at once never promise more than there is", () => {
    const { meter } = meterWith({ budget: { ...noBudget, usdPerDay: 1, tokensPerMonth: 10_000 } });
    const entries = Array.from({ length: 200 }, () => meter.enter());
    const promised = entries.filter(
      (entry) => entry.reserve({ tokens: 90, nanoUsd: 30_000_000 }) === null,
    ).length;
    // One dollar bears 33 of three cents.
    expect(promised).toBe(33);
    for (const entry of entries) finish(entry, entry.reserved() ?? nothing);
    expect(meter.spent().day).toEqual({ tokens: 33 * 90, nanoUsd: 33 * 30_000_000 });
  });

  test("the day's is new at midnight, the month's with the month; both say when", async () => {
    const { clock, meter, charges } = meterWith({
      budget: { ...noBudget, tokensPerDay: 100, tokensPerMonth: 150 },
    });
    finish(meter.enter(), { tokens: 100, nanoUsd: 0 });
    expect(charges).toEqual(["alice"]);
    expect(meter.usedUp()).toEqual({ what: "the budget of this day", resetInMs: 12 * 3_600_000 });
    await clock.advance(12 * 3_600_000);
    // It was the last day of the month as well.
    expect(meter.usedUp()).toBeNull();
    expect(meter.spent()).toMatchObject({ dayMs: Date.UTC(2026, 1, 1), monthMs: Date.UTC(2026, 1, 1) });
    finish(meter.enter(), { tokens: 150, nanoUsd: 0 });
    expect(meter.usedUp()).toEqual({ what: "the budget of this month", resetInMs: 28 * 86_400_000 });
    await clock.advance(86_400_000);
    expect(meter.spent().day.tokens).toBe(0);
    expect(meter.usedUp()?.what).toBe("the budget of this month");
    await clock.advance(27 * 86_400_000);
    expect(meter.usedUp()).toBeNull();
  });

  test("a budget of nothing bears what costs nothing", () => {
    const { meter } = meterWith({ budget: { ...noBudget, usdPerDay: 0 } });
    expect(meter.usedUp()).toBeNull();
    expect(meter.enter().reserve({ tokens: 500, nanoUsd: 0 })).toBeNull();
    expect(meter.enter().reserve({ tokens: 1, nanoUsd: 1 })?.what).toBe("the budget of this day");
  });

  test("new limits hold for what was used under the old ones", () => {
    const { meter } = meterWith({ requestsPerMinute: 10, budget: { ...noBudget, tokensPerDay: 1_000 } });
    for (let i = 0; i < 4; i++) finish(meter.enter(), { tokens: 100, nanoUsd: 0 });
    meter.adjust({ ...noLimits, requestsPerMinute: 4, budget: { ...noBudget, tokensPerDay: 400 } });
    expect(refusal(() => meter.enter()).kind).toBe("over-limit");
    expect(meter.usedUp()?.what).toBe("the budget of this day");
    meter.adjust({ ...noLimits, requestsPerMinute: 5 });
    finish(meter.enter());
    expect(meter.usedUp()).toBeNull();
  });

  test("what was known elsewhere counts when it is more and of the same time", () => {
    const { meter } = meterWith({ budget: { ...noBudget, tokensPerDay: 100 } });
    const { dayMs, monthMs } = meter.spent();
    const known = (startMs: number, tokens: number, nanoUsd: number) => ({ startMs, tokens, nanoUsd });
    meter.restore({ days: [known(dayMs - 86_400_000, 999, 0)], months: [] });
    expect(meter.spent().day.tokens).toBe(0);
    meter.restore({ days: [known(dayMs, 60, 5)], months: [known(monthMs, 70, 6)] });
    meter.restore({ days: [known(dayMs, 10, 9)], months: [known(monthMs, 0, 0)] });
    expect(meter.spent()).toMatchObject({
      day: { tokens: 60, nanoUsd: 9 },
      month: { tokens: 70, nanoUsd: 6 },
    });
  });

  test("a clock that is set back hands nothing out twice", () => {
    let nowMs = Date.UTC(2026, 2, 1, 0, 0, 1);
    const meter = localMeter("alice", {
      clock: { nowMs: () => nowMs, monotonicMs: () => 0 },
      onCharge: () => undefined,
    });
    meter.adjust({ ...noLimits, budget: { ...noBudget, tokensPerDay: 100, tokensPerMonth: 100 } });
    finish(meter.enter(), { tokens: 100, nanoUsd: 0 });
    nowMs -= 5_000;
    expect(meter.usedUp()).not.toBeNull();
    nowMs += 5_000;
    expect(meter.spent().day.tokens).toBe(100);
  });
});

test("whatever happens in whatever order, nothing stays promised and no place is lost", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ tokens: fc.nat(500), real: fc.nat(900), isReserved: fc.boolean(), twice: fc.boolean() }),
        { maxLength: 40 },
      ),
      (requests) => {
        const { meter } = meterWith({ budget: { ...noBudget, tokensPerDay: 1_000_000 } });
        const open = requests.map((request) => ({ request, entry: meter.enter() }));
        for (const { request, entry } of open)
          if (request.isReserved) entry.reserve({ tokens: request.tokens, nanoUsd: 0 });
        for (const { request, entry } of open.toReversed()) {
          finish(entry, { tokens: request.real, nanoUsd: 0 });
          if (request.twice) finish(entry, { tokens: 5_000, nanoUsd: 0 });
        }
        const total = requests.reduce((sum, { real }) => sum + real, 0);
        expect(meter.running()).toBe(0);
        expect(meter.usedThisMinute().tokens).toBe(total);
        expect(meter.spent().day.tokens).toBe(total);
        // Were anything still promised, the rest of the budget would not be free.
        expect(meter.enter().reserve({ tokens: 1_000_000 - total, nanoUsd: 0 })).toBeNull();
      },
    ),
  );
});
