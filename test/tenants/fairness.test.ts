// Turns between tenants: who is next, what one tenant may take, and that nobody is kept waiting for somebody else's flood.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  createQueue,
  type AdjustableQueue,
  type QueueLimits,
  type QueuePlace,
  type Turn,
} from "../../src/tenants/queue.ts";
import { type FakeClock, fakeClock, settleQueues } from "../support/clock.ts";

const usual: QueueLimits = {
  limit: 1,
  limitPerTenant: null,
  depth: 10_000,
  depthPerTenant: 10_000,
  waitMs: 3_600_000,
};

function openQueue(over: Partial<QueueLimits> = {}): { queue: AdjustableQueue; clock: FakeClock } {
  const clock = fakeClock();
  const { monotonicMs, setTimer } = clock;
  return { queue: createQueue({ ...usual, ...over, monotonicMs, setTimer }), clock };
}

const free = (): AbortSignal => new AbortController().signal;

/** Takes a turn, notes its name, holds the turn for so long. Settles with how long it waited. */
function serve({ queue, clock }: ReturnType<typeof openQueue>, heldMs: number, served: string[] = []) {
  return async (name: string, goesFirst = false): Promise<Turn> => {
    const [tenant = ""] = name;
    const turn = await queue.take(free(), { tenant, goesFirst });
    if (typeof turn === "string") throw new Error(`no turn: ${turn}`);
    served.push(name);
    clock.setTimer(heldMs, () => turn.release());
    return turn;
  };
}

describe("between tenants", () => {
  test.each([1, 3])("A floods 1,000: B waits one service time at most (%p turns at once)", async (limit) => {
    const app = openQueue({ limit });
    const work = serve(app, 1_000);
    const flood = Array.from({ length: 1_000 }, (_, number) => work(`a${number}`));
    const waits: number[] = [];
    for (let second = 0; second < 20; second++) {
      await app.clock.advance(730);
      void work(`b${second}`).then((turn) => waits.push(turn.waitedMs));
      await app.clock.advance(1_270);
    }
    expect(waits).toHaveLength(20);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
    await app.clock.advance(1_100_000);
    await Promise.all(flood);
    expect(app.queue.counts()).toEqual({ running: 0, waiting: 0 });
    expect(app.clock.waiting()).toBe(0);
  });

  test("lines take turns; within a line first come, first served; a resumed call heads its own line only", async () => {
    const app = openQueue();
    const served: string[] = [];
    const work = serve(app, 10, served);
    const all = [
      ...["a1", "a2", "a3", "a4", "b1", "b2", "c1"].map((name) => work(name)),
      ...["a-resumed-1", "a-resumed-2"].map((name) => work(name, true)),
    ];
    await app.clock.advance(1_000);
    await Promise.all(all);
    expect(served).toEqual(["a1", "b1", "c1", "a-resumed-1", "b2", "a-resumed-2", "a2", "a3", "a4"]);
  });

  test("one tenant's own limit leaves the other turns to the others, and holds nobody else up", async () => {
    const { queue } = openQueue({ limit: 3, limitPerTenant: 1 });
    const held = queue.tryTake("a");
    expect(queue.tryTake("a")).toBeNull();
    const waiting = queue.take(free(), { tenant: "a" });
    expect([queue.tryTake("b"), queue.tryTake(null)].every((turn) => turn !== null)).toBe(true);
    expect(queue.counts()).toEqual({ running: 3, waiting: 1 });
    held?.release();
    expect(await waiting).toMatchObject({ position: 1 });
    expect(queue.tryTake("c")).toBeNull();
  });

  test("no tenant can take every place to wait", async () => {
    const { queue } = openQueue({ depth: 4, depthPerTenant: 2 });
    queue.tryTake("a");
    for (const tenant of ["a", "a"]) void queue.take(free(), { tenant });
    expect(await queue.take(free(), { tenant: "a" })).toBe("full");
    for (const tenant of ["b", null]) void queue.take(free(), { tenant });
    expect(await queue.take(free(), { tenant: "c" })).toBe("full");
    expect(queue.counts()).toEqual({ running: 1, waiting: 4 });
  });

  test("other limits hold at once: more for a tenant lets its own in, fewer takes nothing back", async () => {
    const { queue } = openQueue({ limit: 4, limitPerTenant: 1 });
    const first = queue.tryTake("a");
    const second = queue.take(free(), { tenant: "a" });
    const third = queue.take(free(), { tenant: "a" });
    queue.adjust({ ...usual, limit: 4, limitPerTenant: 2 });
    expect(await second).toMatchObject({ position: 1 });
    expect(queue.counts()).toEqual({ running: 2, waiting: 1 });
    queue.adjust({ ...usual, limit: 4, limitPerTenant: 1 });
    first?.release();
    await settleQueues();
    expect(queue.counts()).toEqual({ running: 1, waiting: 1 });
    queue.adjust({ ...usual, limit: null });
    expect(typeof (await third)).toBe("object");
  });
});

describe("what is told", () => {
  test("the place in the queue, as it is now and as it was", async () => {
    const { queue, clock } = openQueue();
    const holder = queue.tryTake("a");
    const places: QueuePlace[] = [];
    const onPlace = (place: QueuePlace): void => void places.push(place);
    const waiting = ["a", "a", "b", "b", "a"].map((tenant) => queue.take(free(), { tenant, onPlace }));
    expect(places.map((place) => place.position())).toEqual([2, 4, 1, 3, 5]);
    await clock.advance(70);
    holder?.release();
    expect(await waiting[2]).toMatchObject({ position: 1, waitedMs: 70 });
    expect([0, 1, 3, 4].map((at) => places[at]?.position())).toEqual([1, 3, 2, 4]);
    expect(places[0]?.waitedMs()).toBe(70);
  });

  test("the wait of somebody new, as turns have lasted of late", async () => {
    const app = openQueue({ limit: 2, limitPerTenant: 1 });
    const { queue, clock } = app;
    expect(queue.expectedWaitMs("a")).toBeNull();
    void serve(app, 600)("a1");
    await clock.advance(600);
    const turns = [queue.tryTake("a"), queue.tryTake("b")];
    expect([queue.expectedWaitMs("a"), queue.expectedWaitMs("c")]).toEqual([600, 300]);
    const leaver = new AbortController();
    const left = queue.take(leaver.signal, { tenant: "a" }).catch(() => "left");
    expect(queue.expectedWaitMs("a")).toBe(1_200);
    leaver.abort();
    expect(await left).toBe("left");
    await clock.advance(100);
    for (const turn of turns) turn?.release();
    expect(queue.expectedWaitMs("c")).toBeLessThan(250);
  });
});

const tenants = ["a", "b", "c", null] as const;
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("come" as const), tenant: fc.constantFrom(...tenants) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), at: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), at: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("adjust" as const),
      limit: fc.integer({ min: 1, max: 4 }),
      limitPerTenant: fc.option(fc.integer({ min: 1, max: 3 })),
    }),
  },
);

test("whatever comes, leaves and ends: limits hold, lines keep their order, nobody is passed over, no turn is lost", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 50, maxLength: 150 }), async (steps) => {
      let limits: QueueLimits = {
        ...usual,
        limit: 2,
        limitPerTenant: 1,
        depth: 8,
        depthPerTenant: 4,
        waitMs: 100,
      };
      const { queue, clock } = openQueue(limits);
      type Comer = {
        readonly tenant: string | null;
        readonly number: number;
        readonly abort: AbortController;
      };
      const held: { readonly tenant: string | null; readonly turn: Turn }[] = [];
      const lines = new Map<string | null, Comer[]>(tenants.map((tenant) => [tenant, []]));
      /** Turns that others were given since this line's first has been waiting with room of its own. */
      const passedOver = new Map<string | null, number>();
      const running = (tenant: string | null): number => held.filter((each) => each.tenant === tenant).length;
      const lineOf = (tenant: string | null): Comer[] => lines.get(tenant) ?? [];
      const drop = (comer: Comer): void => {
        const line = lineOf(comer.tenant);
        const at = line.indexOf(comer);
        if (at >= 0) line.splice(at, 1);
      };
      const all: Promise<void>[] = [];
      let number = 0;
      const come = (tenant: string | null): void => {
        const comer = { tenant, number: number++, abort: new AbortController() };
        lineOf(tenant).push(comer);
        const taking = queue.take(comer.abort.signal, { tenant }).then(
          (turn) => {
            const [first] = lineOf(tenant);
            drop(comer);
            if (typeof turn === "string") return;
            expect(first?.number).toBe(comer.number);
            held.push({ tenant, turn });
            for (const [other, line] of lines) {
              const mayRun = running(other) < (limits.limitPerTenant ?? Infinity);
              const isPassed = other !== tenant && line.length > 0 && mayRun;
              passedOver.set(other, isPassed ? (passedOver.get(other) ?? 0) + 1 : 0);
              expect(passedOver.get(other)).toBeLessThan(tenants.length);
            }
          },
          () => drop(comer),
        );
        all.push(taking);
      };
      let most = { all: 2, tenant: 1 };
      for (const each of steps) {
        if (each.do === "come") come(each.tenant);
        else if (each.do === "release") held.splice(each.at % Math.max(1, held.length), 1)[0]?.turn.release();
        else if (each.do === "leave") {
          const comers = [...lines.values()].flat();
          comers[each.at % Math.max(1, comers.length)]?.abort.abort(new Error("gone"));
        } else if (each.do === "pass") await clock.advance(each.ms);
        else {
          limits = { ...limits, limit: each.limit, limitPerTenant: each.limitPerTenant };
          queue.adjust(limits);
        }
        await settleQueues();
        const perTenant = Math.max(...tenants.map(running));
        // Fewer turns than are out: none is taken back, and none is added.
        most = {
          all: Math.max(limits.limit ?? 0, Math.min(most.all, held.length)),
          tenant: Math.max(limits.limitPerTenant ?? Infinity, Math.min(most.tenant, perTenant)),
        };
        expect(held.length).toBeLessThanOrEqual(most.all);
        expect(perTenant).toBeLessThanOrEqual(most.tenant);
        const waiting = [...lines.values()].map((line) => line.length);
        expect(queue.counts()).toEqual({
          running: held.length,
          waiting: waiting.reduce((sum, length) => sum + length, 0),
        });
        expect(queue.counts().waiting).toBeLessThanOrEqual(8);
        expect(Math.max(...waiting)).toBeLessThanOrEqual(4);
        // Nobody waits who could run.
        if (held.length < (limits.limit ?? 0))
          for (const [tenant, line] of lines)
            if (line.length > 0)
              expect(running(tenant)).toBeGreaterThanOrEqual(limits.limitPerTenant ?? Infinity);
      }
      while (held.length > 0) {
        held.shift()?.turn.release();
        await settleQueues();
      }
      await Promise.all(all);
      expect(queue.counts()).toEqual({ running: 0, waiting: 0 });
      expect(clock.waiting()).toBe(0);
    }),
    { numRuns: 100 },
  ));
