// Who is let in while descriptors run out: counted, not guessed, and told apart from what others have done.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  canOpen,
  createDescriptors,
  descriptorLimit,
  descriptorsInUse,
  isScarcity,
  lowLimitNotice,
  Scarcity,
} from "../../src/system/descriptors.ts";
import { fakeClock } from "../support/clock.ts";

function machine(limit: number | null) {
  const clock = fakeClock();
  const state = { inUse: 20 as number | null, running: 0, looks: 0 };
  const descriptors = createDescriptors({
    limit,
    inUse() {
      state.looks += 1;
      return state.inUse;
    },
    running: () => state.running,
    nowMs: clock.monotonicMs,
    setTimer: clock.setTimer,
  });
  return { clock, state, descriptors };
}

describe("one more request", () => {
  test("is always let in where the limit is not known", () => {
    const { descriptors, state } = machine(null);
    expect(Array.from({ length: 1_000 }, () => descriptors.admits()).every(Boolean)).toBe(true);
    expect(descriptors.wereShort()).toBe(false);
    expect(state.looks).toBe(0);
  });

  test("is possible at all, or the start is to be refused: what it says before it listens is what comes", () => {
    for (let limit = 16; limit < 64; limit++) {
      const { descriptors, state } = machine(limit);
      const may = descriptors.canServe();
      state.inUse = 23;
      expect([limit, descriptors.admits()]).toEqual([limit, may]);
    }
    expect(machine(null).descriptors.canServe()).toBe(true);
  });

  test("is refused before the reserve is touched, and let in when there is room again", async () => {
    const { descriptors, state, clock } = machine(64);
    state.inUse = 54;
    expect(descriptors.admits()).toBe(false);
    state.inUse = 20;
    await clock.advance(20);
    expect(descriptors.admits()).toBe(true);
  });

  test("counts those that have not opened anything yet", () => {
    const { descriptors, state } = machine(64);
    let admitted = 0;
    while (admitted < 1_000 && descriptors.admits()) state.running = admitted += 1;
    // 64, less 20 in use and 8 in reserve, at three each.
    expect(admitted).toBe(12);
  });

  test("is not held against those that are over already", async () => {
    const { descriptors, clock } = machine(64);
    for (let n = 0; n < 500; n++) {
      expect(descriptors.admits()).toBe(true);
      await clock.advance(1);
    }
  });

  test("costs no look where there is plenty of room, and one in a while where there is none", async () => {
    const plenty = machine(20_000);
    for (let n = 0; n < 5_000; n++) plenty.descriptors.admits();
    expect(plenty.state.looks).toBeLessThan(3);
    const none = machine(64);
    none.state.inUse = null;
    for (let n = 0; n < 5_000; n++) expect(none.descriptors.admits()).toBe(false);
    expect(none.state.looks).toBeLessThan(3);
  });

  test("is let in when connections that nobody uses are given up for it", () => {
    const { descriptors, state } = machine(64);
    state.inUse = 60;
    const stop = descriptors.watch(
      () => {
        state.inUse = 20;
      },
      () => undefined,
    );
    expect(descriptors.admits()).toBe(true);
    stop();
  });

  test("never lets in more than the limit holds, whatever comes and goes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 4_000 }),
        fc.array(fc.record({ come: fc.nat(400), go: fc.nat(400), crowd: fc.nat(60) }), { maxLength: 30 }),
        (limit, steps) => {
          const { descriptors, state } = machine(limit);
          let open = 0;
          let crowd = 0;
          for (const step of steps) {
            crowd = Math.min(step.crowd, Math.floor(limit / 4));
            open = Math.max(0, open - step.go);
            state.running = open;
            // Each holds its client and its upstream.
            state.inUse = 20 + crowd + 2 * open;
            for (let n = 0; n < step.come && descriptors.admits(); n++) state.running = open += 1;
            if (20 + crowd + 2 * open > Math.max(limit, state.inUse)) return false;
          }
          return true;
        },
      ),
    );
  });
});

describe("a shortage", () => {
  test("is remembered for a second, so that what failed in it is not blamed on others", async () => {
    const { descriptors, state, clock } = machine(64);
    expect(descriptors.wereShort()).toBe(false);
    await clock.advance(20);
    state.inUse = null;
    expect(descriptors.wereShort()).toBe(true);
    state.inUse = 20;
    await clock.advance(900);
    expect(descriptors.wereShort()).toBe(true);
    await clock.advance(200);
    expect(descriptors.wereShort()).toBe(false);
  });

  test("is told once when it begins and once when it is over; the watch leaves no timer", async () => {
    const { descriptors, state, clock } = machine(64);
    const told: [boolean, number][] = [];
    const stop = descriptors.watch(
      () => undefined,
      (isShort, inUse) => told.push([isShort, inUse]),
    );
    await clock.advance(3_000);
    state.inUse = 60;
    await clock.advance(3_000);
    state.inUse = 30;
    await clock.advance(3_000);
    expect(told).toEqual([
      [true, 60],
      [false, 30],
    ]);
    stop();
    expect(clock.waiting()).toBe(0);
  });

  test("is told from everything else by its code", () => {
    for (const code of ["EMFILE", "ENFILE", "ENOMEM"])
      expect(isScarcity(Object.assign(new Error(), { code }))).toBe(true);
    for (const thrown of [new Error("EMFILE"), { code: "ENOENT" }, null, "EMFILE"])
      expect(isScarcity(thrown)).toBe(false);
    expect(isScarcity(new Scarcity(new Error("any")))).toBe(true);
  });
});

test.skipIf(process.platform !== "linux")("the machine's own numbers", () => {
  const limit = descriptorLimit();
  const inUse = descriptorsInUse();
  expect(limit).toBeGreaterThan(0);
  expect(inUse).toBeGreaterThan(2);
  expect(inUse).toBeLessThan(limit ?? 0);
  expect(canOpen(3)).toBe(true);
});

test("a low limit is said with what to do about it, a high or unknown one is not", () => {
  expect(lowLimitNotice(64)).toMatch(/only 64 files.*about 15 requests.*ulimit -n.*LimitNOFILE=/);
  expect(lowLimitNotice(1_048_576)).toBeNull();
  expect(lowLimitNotice(null)).toBeNull();
});
