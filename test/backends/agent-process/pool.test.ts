import { describe, expect, test } from "bun:test";
import { createPool, type Pool, type PoolLimits } from "../../../src/backends/agent-process/pool.ts";
import { Failure } from "../../../src/canon/failure.ts";
import { type FakeClock, fakeClock, settleQueues } from "../../support/clock.ts";
import { echo } from "../claude-code/backend-harness.ts";
import { type FakeProgram, fakeProgram } from "../claude-code/fake-child.ts";
import { asking, launch, openHarness, textOf } from "../claude-code/backend-harness.ts";

type Stock = {
  readonly pool: Pool<typeof launch>;
  readonly program: FakeProgram;
  readonly clock: FakeClock;
  readonly troubles: unknown[];
};

function openStock(limits: Partial<PoolLimits> = {}, fits = async (): Promise<number> => 10): Stock {
  const program = fakeProgram({ model: echo });
  const clock = fakeClock();
  const troubles: unknown[] = [];
  const pool = createPool({
    clock,
    limits: { size: 1, max: 2, idleMs: 600_000, ...limits },
    start: program.start,
    childrenThatFit: fits,
    dispose: (child) => void child.stop(),
    onTrouble: (error) => void troubles.push(error),
  });
  return { pool, program, clock, troubles };
}

describe("the pool", () => {
  test("is filled a while after a claim, and each process serves once", async () => {
    const { pool, program, clock } = openStock();
    const first = await pool.claim("a", launch);
    expect(first.isWarm).toBe(false);
    expect(pool.counts().warm).toBe(0);
    await clock.advance(1_000);
    expect(pool.counts().warm).toBe(1);
    const second = await pool.claim("a", launch);
    expect(second.isWarm).toBe(true);
    expect(second.child.pid).not.toBe(first.child.pid);
    expect((await pool.claim("a", launch)).isWarm).toBe(false);
    expect(program.started()).toBe(3);
  });

  test("is filled at the first word of the one that was claimed", async () => {
    const { pool, clock } = openStock();
    pool.refillNow("a");
    await pool.claim("a", launch);
    pool.refillNow("a");
    await settleQueues();
    expect(pool.counts().warm).toBe(1);
    pool.refillNow("a");
    await clock.advance(10_000);
    expect(pool.counts()).toEqual({ warm: 1, starting: 0 });
  });

  test("is there before the first request where one is expected", async () => {
    const { pool, program } = openStock();
    pool.prime("a", launch);
    await settleQueues();
    expect((await pool.claim("a", launch)).isWarm).toBe(true);
    expect(program.started()).toBe(1);
    const none = openStock({ size: 0 });
    none.pool.prime("a", launch);
    await settleQueues();
    expect(none.program.started()).toBe(0);
  });

  test("gives out none whose jail was opened meanwhile", async () => {
    const program = fakeProgram({ model: echo });
    let isIntact = true;
    const gone: number[] = [];
    const pool = createPool({
      clock: fakeClock(),
      limits: { size: 1, max: 2, idleMs: 600_000 },
      start: async () => ({ ...(await program.start()), isIntact: async () => isIntact }),
      childrenThatFit: async () => 10,
      dispose: ({ pid }) => void gone.push(pid),
      onTrouble: () => undefined,
    });
    pool.prime("a", launch);
    await settleQueues();
    isIntact = false;
    const claimed = await pool.claim("a", launch);
    expect(claimed.isWarm).toBe(false);
    expect(gone).toHaveLength(1);
    expect(gone).not.toContain(claimed.child.pid);
  });

  test("grows where requests come faster than processes start, without delaying any, and shrinks when it is idle", async () => {
    const { pool, clock } = openStock({ max: 3 });
    await pool.claim("b", launch);
    await clock.advance(1_000);
    await pool.claim("a", launch);
    await pool.claim("a", launch);
    await clock.advance(1_000);
    expect(pool.counts().warm).toBe(3);
    for (const each of [true, true, false]) expect((await pool.claim("a", launch)).isWarm).toBe(each);
    await clock.advance(1_000);
    expect(pool.counts().warm).toBe(3);
    expect((await pool.claim("b", launch)).isWarm).toBe(true);
    await clock.advance(1_000);
    await clock.advance(600_000);
    expect(pool.counts().warm).toBe(0);
    await pool.claim("a", launch);
    pool.refillNow("a");
    await settleQueues();
    expect(pool.counts().warm).toBe(2);
  });

  test("keys are apart, the one used longest ago makes room", async () => {
    const { pool, program, clock } = openStock();
    for (const key of ["a", "b", "c"]) {
      await pool.claim(key, launch);
      await clock.advance(2_000);
    }
    expect(pool.counts().warm).toBe(2);
    expect((await pool.claim("b", launch)).isWarm).toBe(true);
    expect((await pool.claim("c", launch)).isWarm).toBe(true);
    expect((await pool.claim("a", launch)).isWarm).toBe(false);
    expect(program.started()).toBe(7);
  });

  test("size 0 keeps none, and neither does a machine without memory", async () => {
    const none = openStock({ size: 0 });
    await none.pool.claim("a", launch);
    await none.clock.advance(60_000);
    expect(none.program.started()).toBe(1);
    const full = openStock({}, async () => 0);
    await full.pool.claim("a", launch);
    await full.clock.advance(60_000);
    expect(full.program.started()).toBe(1);
    expect(full.pool.counts()).toEqual({ warm: 0, starting: 0 });
  });

  test("an idle one is given up after its time, and not replaced", async () => {
    const { pool, program, clock } = openStock();
    await pool.claim("a", launch);
    await clock.advance(2_000);
    await clock.advance(600_000);
    expect(pool.counts().warm).toBe(0);
    expect(program.alive()).toBe(1);
    expect(clock.waiting()).toBe(0);
  });

  test("a dead one is replaced and never served; one that keeps dying is left alone", async () => {
    const { pool, program, clock } = openStock();
    const claimed = await pool.claim("a", launch);
    await clock.advance(1_000);
    program.kill(2);
    await settleQueues();
    expect(pool.counts().warm).toBe(0);
    await clock.advance(1_000);
    expect(pool.counts().warm).toBe(1);
    for (let pid = 3; pid < 10; pid++) {
      program.kill(pid);
      await clock.advance(2_000);
    }
    expect(pool.counts().warm).toBe(0);
    expect(program.started()).toBe(4);
    expect(claimed.child.isAlive()).toBe(true);
    expect((await pool.claim("a", launch)).isWarm).toBe(false);
  });

  test("what goes wrong while no request waits is logged, and the next claim starts cold", async () => {
    const { pool, program, clock, troubles } = openStock({}, () =>
      Promise.reject(new Failure("internal", "no /proc")),
    );
    await pool.claim("a", launch);
    await clock.advance(1_000);
    expect(troubles).toHaveLength(1);
    expect((await pool.claim("a", launch)).isWarm).toBe(false);
    expect(program.started()).toBe(2);
  });

  test("after stop nothing is kept, not even what was on its way", async () => {
    const gate = Promise.withResolvers<number>();
    const { pool, program, clock } = openStock({}, () => gate.promise);
    const { child } = await pool.claim("a", launch);
    await clock.advance(1_000);
    expect(pool.counts().starting).toBe(1);
    const stopped = pool.stop();
    gate.resolve(5);
    await stopped;
    await settleQueues();
    await child.stop();
    expect(program.alive()).toBe(0);
    expect(clock.waiting()).toBe(0);
  });
});

describe("a request", () => {
  const warm = { size: 1, max: 2, idleMs: 600_000 };

  test("takes a warm process, which answers like any other", async () => {
    const clock = fakeClock();
    const { backend, program, ask } = openHarness({ clock, warm });
    await ask(asking(["a"]));
    await clock.advance(1_000);
    expect(backend.counts().warm).toBe(1);
    expect(textOf(await ask(asking(["b"])))).toBe("said b");
    expect(program.upstream.map(({ pid }) => pid)).toEqual([1, 2]);
    await backend.stop();
    expect(program.alive()).toBe(0);
  });

  test.each(["dies", "hangs"] as const)(
    "whose warm process %s before it is asked gets a cold one, once and unseen",
    async (how) => {
      const clock = fakeClock();
      const { backend, program, ask } = openHarness({ clock, warm });
      await ask(asking(["a"]));
      program.setFault({ at: "initialize", how });
      await clock.advance(1_000);
      expect(backend.counts().warm).toBe(1);
      program.setFault(null);
      const reply = ask(asking(["b"]));
      await clock.advance(5_000);
      expect(textOf(await reply)).toBe("said b");
      expect(program.upstream).toHaveLength(2);
      await backend.stop();
      expect(program.alive()).toBe(0);
    },
  );
});
