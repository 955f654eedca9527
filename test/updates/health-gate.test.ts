// How soon the watch after a restart is over: a gateway that died is missed for every moment that it goes on.

import { expect, test } from "bun:test";
import type { Clock } from "../../src/system/clock.ts";
import { type GatewayState, passHealthGate } from "../../src/updates/health-gate.ts";

const good = (pid: number): GatewayState => ({
  pid,
  version: "2.0.0",
  status: "ok",
  healthy: ["a"],
  unhealthy: [],
});

/** Timers fire at once, and the time is theirs. */
function quickClock() {
  let ms = 0;
  const clock: Clock = {
    nowMs: () => ms,
    monotonicMs: () => ms,
    setTimer(delayMs, fire) {
      ms += delayMs;
      queueMicrotask(fire);
      return () => undefined;
    },
  };
  return { clock, spentMs: () => ms };
}

/** What `look` sees at this time. */
async function watched(seen: (ms: number) => GatewayState | null) {
  const { clock, spentMs } = quickClock();
  const { signal } = new AbortController();
  const look = () => Promise.resolve(seen(spentMs()));
  const before = { ...good(1), version: "1.0.0" };
  return {
    why: await passHealthGate({ before, wanted: "2.0.0", look, clock, signal }),
    spentMs: spentMs(),
  };
}

test("one that starts late and stays is waited for", async () => {
  const { why, spentMs } = await watched((ms) => (ms < 20_000 ? null : good(2)));
  expect(why).toBeNull();
  expect(spentMs).toBeLessThan(26_000);
});

test("one that was good and dies is given up after 2 s, not after the whole time", async () => {
  const { why, spentMs } = await watched((ms) => (ms < 4_000 ? good(2) : null));
  expect(why).toBe("it does not stay up");
  expect(spentMs).toBeLessThan(7_000);
});

test("one that is only busy for a moment is not given up", async () => {
  expect((await watched((ms) => (ms > 1_000 && ms < 2_500 ? null : good(2)))).why).toBeNull();
});

test("another process in its place is one that was started again", async () => {
  const { why, spentMs } = await watched((ms) => good(ms < 3_000 ? 2 : 3));
  expect(why).toBe("it does not stay up");
  expect(spentMs).toBeLessThan(3_500);
});
