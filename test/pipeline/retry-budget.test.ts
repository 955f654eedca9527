// How many second attempts may run at once, and that a place is never lost.

import { describe, expect, test } from "bun:test";
import { createRetryBudget } from "../../src/pipeline/attempts/retry-budget.ts";
import { fakeClock, settleQueues } from "../support/clock.ts";

function budgetForTest(active = 0) {
  const clock = fakeClock();
  const state = { active };
  const budget = createRetryBudget({ activeRequests: () => state.active, setTimer: clock.setTimer });
  const take = (signal: AbortSignal = new AbortController().signal) => budget.take(signal, 1_000);
  return { budget, clock, state, take };
}

describe("places", () => {
  test.each([
    [0, 3],
    [15, 3],
    [19, 3],
    [20, 4],
    [100, 20],
  ])("of %p running requests %p may make a second attempt", async (active, places) => {
    const { budget, clock, take } = budgetForTest(active);
    for (let i = 0; i < places; i++) expect(await take()).toBe(true);
    const beyond = take();
    await clock.advance(999);
    expect(budget.running()).toBe(places);
    await clock.advance(1);
    expect(await beyond).toBe(false);
    expect(clock.waiting()).toBe(0);
  });

  test("who waits enters when a place is given back, in order", async () => {
    const { budget, clock, take } = budgetForTest();
    await Promise.all([take(), take(), take()]);
    const order: string[] = [];
    const waiting = ["a", "b"].map((name) => take().then((got) => void (got && order.push(name))));
    budget.give();
    await settleQueues();
    expect(order).toEqual(["a"]);
    budget.give();
    await Promise.all(waiting);
    expect(order).toEqual(["a", "b"]);
    expect(budget.running()).toBe(3);
    expect(clock.waiting()).toBe(0);
  });

  test("more places are filled when more requests run, and nobody is overtaken", async () => {
    const { budget, state, take } = budgetForTest();
    await Promise.all([take(), take(), take()]);
    const order: string[] = [];
    const waiting = ["a", "b", "c"].map((name) => take().then((got) => void (got && order.push(name))));
    state.active = 30;
    waiting.push(take().then((got) => void (got && order.push("d"))));
    await settleQueues();
    expect(order).toEqual(["a", "b", "c"]);
    expect(budget.running()).toBe(6);
    budget.give();
    await Promise.all(waiting);
    expect(order).toEqual(["a", "b", "c", "d"]);
  });
});

describe("without waiting", () => {
  test("a place is taken when one is free, never before those who wait", async () => {
    const { budget, state, take } = budgetForTest();
    const places = [budget.tryTake(), budget.tryTake(), budget.tryTake(), budget.tryTake()];
    expect(places).toEqual([true, true, true, false]);
    const waiting = take();
    state.active = 20;
    expect(budget.tryTake()).toBe(false);
    budget.give();
    expect(await waiting).toBe(true);
    expect(budget.tryTake()).toBe(true);
    expect(budget.running()).toBe(4);
  });
});

describe("leaving", () => {
  test("an abort leaves the queue with its reason", async () => {
    const { budget, clock, take } = budgetForTest();
    await Promise.all([take(), take(), take()]);
    const controller = new AbortController();
    const left = take(controller.signal);
    const reason = new Error("gone");
    controller.abort(reason);
    expect(await left.catch((thrown: unknown) => thrown)).toBe(reason);
    budget.give();
    expect(budget.running()).toBe(2);
    expect(clock.waiting()).toBe(0);
  });

  test("who has already left takes no place", async () => {
    const { budget, take } = budgetForTest();
    expect(await take(AbortSignal.abort(new Error("gone"))).catch(() => "left")).toBe("left");
    expect(budget.running()).toBe(0);
  });
});
