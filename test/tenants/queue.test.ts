// Fair turns: limit, order, refusals, and that no turn is ever lost.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createQueue, type Turn } from "../../src/tenants/queue.ts";
import { type FakeClock, fakeClock, settleQueues } from "../support/clock.ts";

function queueForTest(over: { limit?: number | null; depth?: number; waitMs?: number } = {}): {
  queue: ReturnType<typeof createQueue>;
  clock: FakeClock;
} {
  const clock = fakeClock();
  const { monotonicMs, setTimer } = clock;
  const queue = createQueue({
    limit: 1,
    limitPerTenant: null,
    depth: 2,
    depthPerTenant: 1_000,
    waitMs: 1_000,
    monotonicMs,
    setTimer,
    ...over,
  });
  return { queue, clock };
}

const free = (): AbortSignal => new AbortController().signal;

async function turn(taking: Promise<Turn | string>): Promise<Turn> {
  const taken = await taking;
  if (typeof taken === "string") throw new Error(`no turn: ${taken}`);
  return taken;
}

describe("turns", () => {
  test("as many as the limit, the rest in the order of their coming", async () => {
    const { queue, clock } = queueForTest({ limit: 2, depth: 10 });
    const first = await turn(queue.take(free()));
    await turn(queue.take(free()));
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (number) => {
      const taken = await turn(queue.take(free()));
      order.push(number);
      return taken;
    });
    expect(queue.counts()).toEqual({ running: 2, waiting: 3 });
    await clock.advance(300);
    first.release();
    const second = await waiting[0];
    expect(second?.waitedMs).toBe(300);
    second?.release();
    await waiting[1];
    expect(order).toEqual([1, 2]);
    expect(queue.counts()).toEqual({ running: 2, waiting: 1 });
  });

  test("one that goes first waits before all others, and finds room where there is none for more", async () => {
    const { queue } = queueForTest({ limit: 1, depth: 1 });
    const first = await turn(queue.take(free()));
    const order: string[] = [];
    const note = async (name: string, taking: Promise<Turn | string>): Promise<void> => {
      const taken = await turn(taking);
      order.push(name);
      taken.release();
    };
    const patient = note("patient", queue.take(free()));
    expect(await queue.take(free())).toBe("full");
    const resumed = note("resumed", queue.take(free(), { goesFirst: true }));
    first.release();
    await Promise.all([patient, resumed]);
    expect([order, queue.counts()]).toEqual([["resumed", "patient"], { running: 0, waiting: 0 }]);
  });

  test("a turn is given back once, however often it is released", async () => {
    const { queue } = queueForTest({ depth: 10 });
    const first = await turn(queue.take(free()));
    const others = [queue.take(free()), queue.take(free())];
    first.release();
    first.release();
    first.release();
    await others[0];
    await settleQueues();
    expect(queue.counts()).toEqual({ running: 1, waiting: 1 });
  });

  test("without a limit nobody waits", async () => {
    const { queue, clock } = queueForTest({ limit: null, depth: 0 });
    const turns = await Promise.all(Array.from({ length: 500 }, () => turn(queue.take(free()))));
    expect(queue.counts()).toEqual({ running: 500, waiting: 0 });
    for (const each of turns) each.release();
    expect(queue.counts()).toEqual({ running: 0, waiting: 0 });
    expect(clock.waiting()).toBe(0);
  });
});

describe("refusals", () => {
  test("full at its depth, at once", async () => {
    const { queue } = queueForTest({ depth: 2 });
    await turn(queue.take(free()));
    void queue.take(free());
    void queue.take(free());
    expect(await queue.take(free())).toBe("full");
    const none = queueForTest({ depth: 0 }).queue;
    await turn(none.take(free()));
    expect(await none.take(free())).toBe("full");
  });

  test("too long after its wait, and then the place is free", async () => {
    const { queue, clock } = queueForTest();
    const holder = await turn(queue.take(free()));
    const waiting = queue.take(free());
    await clock.advance(999);
    expect(queue.counts().waiting).toBe(1);
    await clock.advance(1);
    expect(await waiting).toBe("too-long");
    expect(queue.counts()).toEqual({ running: 1, waiting: 0 });
    holder.release();
    expect(queue.counts().running).toBe(0);
    expect(clock.waiting()).toBe(0);
  });

  test("who leaves gives up the place with his own reason, and the next one moves up", async () => {
    const { queue, clock } = queueForTest();
    const holder = await turn(queue.take(free()));
    const leaver = new AbortController();
    const left = queue.take(leaver.signal);
    const next = queue.take(free());
    const reason = new Error("gone");
    leaver.abort(reason);
    expect(await left.catch((thrown: unknown) => thrown)).toBe(reason);
    holder.release();
    expect(typeof (await next)).toBe("object");
    expect(clock.waiting()).toBe(0);
  });

  test("who has already left is not served, with a place free or not", async () => {
    const { queue } = queueForTest();
    const reason = new Error("gone");
    const gone = AbortSignal.abort(reason);
    expect(await queue.take(gone).catch((thrown: unknown) => thrown)).toBe(reason);
    const holder = await turn(queue.take(free()));
    expect(await queue.take(gone).catch((thrown: unknown) => thrown)).toBe(reason);
    holder.release();
    expect(queue.counts()).toEqual({ running: 0, waiting: 0 });
  });
});

test("10,000 random takes, releases, departures and waits lose no turn", async () => {
  const operation = fc.constantFrom("take", "take", "take", "release", "release", "leave", "wait");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(operation, fc.nat(1_000)), { minLength: 200, maxLength: 200 }),
      async (operations) => {
        const limit = 3;
        const { queue, clock } = queueForTest({ limit, depth: 4, waitMs: 50 });
        const held: Turn[] = [];
        const takers: AbortController[] = [];
        const taking: Promise<void>[] = [];
        for (const [what, number] of operations) {
          if (what === "take") {
            const controller = new AbortController();
            takers.push(controller);
            taking.push(
              queue.take(controller.signal).then(
                (taken) => void (typeof taken === "object" && held.push(taken)),
                () => undefined,
              ),
            );
          } else if (what === "release") held.splice(number % Math.max(1, held.length), 1)[0]?.release();
          else if (what === "leave") takers[number % Math.max(1, takers.length)]?.abort(new Error("gone"));
          else await clock.advance(number % 60);
          const { running, waiting } = queue.counts();
          expect(running).toBeLessThanOrEqual(limit);
          expect(waiting).toBeLessThanOrEqual(4);
        }
        await clock.advance(60);
        await Promise.all(taking);
        for (const each of held) each.release();
        expect(queue.counts()).toEqual({ running: 0, waiting: 0 });
        expect(clock.waiting()).toBe(0);
      },
    ),
    { numRuns: 50 },
  );
});
