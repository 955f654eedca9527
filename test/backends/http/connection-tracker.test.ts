// Whether an origin can be connected to at all, with a network that the test scripts.

import { expect, test } from "bun:test";
import type { Route } from "../../../src/backends/http/dial.ts";
import { createConnectionTracker } from "../../../src/backends/http/connection-tracker.ts";
import type { Failure } from "../../../src/canon/failure.ts";
import { createTicker } from "../../../src/system/ticker.ts";
import { fakeClock } from "../../support/clock.ts";

type Attempt = { route: Route; withHandshake: boolean; open(): void; fail(): void; isStopped: boolean };

function reachForTest(address = "https://api.example.com", opened: () => number | null = () => 7) {
  const clock = fakeClock();
  const dials: Attempt[] = [];
  const reach = createConnectionTracker({
    ticker: createTicker(clock),
    lookups: () => 0,
    opened: { cachedCount: opened, freshCount: opened },
    lacksRoom: () => false,
    dial(route, withHandshake, onStanding, onError) {
      const dial = { route, withHandshake, open: onStanding, fail: onError, isStopped: false };
      dials.push(dial);
      return () => void (dial.isStopped = true);
    },
  });
  const origin = reach.origin({ origin: address, proxy: null, connectMs: 10_000 });
  const dead: Failure[] = [];
  const send = () => origin.requestSent({ abort: (reason) => void dead.push(reason) });
  return { clock, reach, origin, dials, send, dead };
}

test("a black hole is dead at the limit, once, is never perhaps billed, and leaves nothing behind", async () => {
  const { clock, dials, send, dead } = reachForTest();
  send();
  await clock.advance(4_999);
  expect(dials).toHaveLength(0);
  await clock.advance(1);
  expect(dials.map(({ route, withHandshake }) => [route.origin, withHandshake])).toEqual([
    ["https://api.example.com", true],
  ]);
  await clock.advance(4_999);
  expect(dead).toHaveLength(0);
  await clock.advance(60_000);
  expect(dead).toHaveLength(1);
  expect(dead[0]).toMatchObject({ kind: "unreachable", maybeBilled: false });
  expect(dead[0]?.message).toBe("Timed out connecting to the upstream.");
  expect(dials.map(({ isStopped }) => isStopped)).toEqual([true]);
  expect(clock.waiting()).toBe(0);
});

test("an open connection proves it for requests that were waiting, and for none that comes later", async () => {
  const { clock, dials, send, dead } = reachForTest();
  send();
  await clock.advance(5_000);
  dials[0]?.open();
  await clock.advance(1);
  send();
  await clock.advance(10_040);
  expect(dials).toHaveLength(2);
  expect(dead).toHaveLength(1);
  expect(clock.waiting()).toBe(0);
});

test("a vendor that answered a moment ago and can no longer be connected to is found out as well", async () => {
  const { clock, origin, send, dead } = reachForTest();
  const sent = send();
  origin.requestOver(sent);
  origin.answered(true);
  await clock.advance(1);
  send();
  await clock.advance(10_020);
  expect(dead).toHaveLength(1);
});

test("a refused connection is reported by fetch", async () => {
  const { clock, origin, dials, send, dead } = reachForTest();
  const sent = send();
  await clock.advance(5_000);
  dials[0]?.fail();
  expect(dead).toHaveLength(0);
  origin.requestOver(sent);
  await clock.advance(60_000);
  expect(dead).toHaveLength(0);
  expect(clock.waiting()).toBe(0);
});

test("what one request hears is known to those that wait beside it, and one look serves them all", async () => {
  const { clock, origin, dials, send, dead } = reachForTest();
  const all = Array.from({ length: 100 }, send);
  await clock.advance(4_000);
  origin.answered(true);
  await clock.advance(60_000);
  expect(dials).toHaveLength(0);
  expect(dead).toHaveLength(0);
  for (const sent of all) origin.requestOver(sent);
  for (let i = 0; i < 100; i++) send();
  await clock.advance(10_040);
  expect(dials).toHaveLength(1);
  expect(dead).toHaveLength(100);
  expect(clock.waiting()).toBe(0);
});

test("a server of one's own that has answered shakes no hands while it is busy: a connection is enough there", async () => {
  for (const [address, withHandshake] of [
    ["https://10.0.0.7:8443", false],
    ["https://[fd00::1]", false],
    ["https://gpu.lan", false],
    ["https://172.32.0.1", true],
    ["https://api.example.com", true],
  ] as const) {
    const { clock, origin, dials, send } = reachForTest(address);
    send();
    await clock.advance(5_000);
    dials[0]?.open();
    origin.answered(true);
    await clock.advance(5_000);
    send();
    await clock.advance(5_000);
    expect(dials.map((dial) => dial.withHandshake)).toEqual([true, withHandshake]);
  }
});

test.each([
  ["a vendor far away", "https://192.0.2.1", 1_000],
  ["a server of one's own", "http://127.0.0.1:8000", 250],
])(
  "%s: what breaks after the time of a way there and back was being worked on",
  async (_name, address, staleMs) => {
    const { clock, origin, send } = reachForTest(address);
    for (const [workedMs, isStale] of [
      [0, true],
      [staleMs, true],
      [staleMs + 1, false],
    ] as const) {
      origin.answered(true);
      const sent = send();
      await clock.advance(workedMs);
      origin.requestOver(sent);
      expect(origin.wasStale(sent)).toBe(isStale);
    }
  },
);

test("a connection that said that it closes is not one that was kept", () => {
  const { origin, send } = reachForTest("http://127.0.0.1:8000");
  origin.answered(false);
  const sent = send();
  origin.requestOver(sent);
  expect(origin.wasStale(sent)).toBe(false);
});

test("routes are distinguished by proxy and limit, and are the same for the same", () => {
  const { reach, origin } = reachForTest();
  const route = { origin: "https://api.example.com", proxy: null, connectMs: 10_000 };
  expect(reach.origin(route)).toBe(origin);
  expect(reach.origin({ ...route, connectMs: 1 })).not.toBe(origin);
  expect(reach.origin({ ...route, proxy: "http://proxy:3128" })).not.toBe(origin);
});

test("an IP address: a connection that another program opened meanwhile, or no count, leaves it unknown", () => {
  let count: number | null = 41;
  const { origin, send } = reachForTest("http://192.0.2.1:8000", () => count);
  for (const [before, after, isStale] of [
    [41, 41, true],
    [0, 0, true],
    [41, 42, false],
    [null, null, false],
    [null, 42, false],
    [42, null, false],
  ] as const) {
    count = before;
    origin.answered(true);
    const sent = send();
    count = after;
    origin.requestOver(sent);
    expect([before, after, origin.wasStale(sent)]).toEqual([before, after, isStale]);
  }
});
