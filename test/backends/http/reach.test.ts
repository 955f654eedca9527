// Whether an origin can be connected to at all, with a network that the test scripts.

import { expect, test } from "bun:test";
import { createReach, tcpConnect } from "../../../src/backends/http/reach.ts";
import { fakeClock } from "../../support/clock.ts";

type Dial = { host: string; port: number; open(): void; fail(): void; isStopped: boolean };

function reachForTest() {
  const clock = fakeClock();
  const dials: Dial[] = [];
  const reach = createReach({
    nowMs: clock.monotonicMs,
    setTimer: clock.setTimer,
    connect(host, port, onOpen, onError) {
      const dial: Dial = { host, port, open: onOpen, fail: onError, isStopped: false };
      dials.push(dial);
      return () => void (dial.isStopped = true);
    },
  });
  let dead = 0;
  const watch = (origin = "https://api.example.com") => reach.watch(origin, 10_000, () => void dead++);
  return { clock, reach, dials, watch, dead: () => dead };
}

test("a black hole is dead at the limit, once, and leaves nothing behind", async () => {
  const { clock, dials, watch, dead } = reachForTest();
  watch();
  await clock.advance(4_999);
  expect(dials).toHaveLength(0);
  await clock.advance(1);
  expect(dials.map(({ host, port }) => `${host}:${port}`)).toEqual(["api.example.com:443"]);
  await clock.advance(4_999);
  expect(dead()).toBe(0);
  await clock.advance(60_000);
  expect(dead()).toBe(1);
  expect(dials[0]?.isStopped).toBe(true);
  expect(clock.waiting()).toBe(0);
});

test("a connection that stands proves that somebody is there, for a while", async () => {
  const { clock, dials, watch, dead } = reachForTest();
  watch();
  await clock.advance(5_000);
  dials[0]?.open();
  expect(clock.waiting()).toBe(0);
  watch();
  expect(clock.waiting()).toBe(0);
  await clock.advance(30_000);
  watch();
  await clock.advance(10_000);
  expect(dead()).toBe(1);
});

test("a refused connection is fetch's to tell", async () => {
  const { clock, dials, watch, dead } = reachForTest();
  const stop = watch();
  await clock.advance(5_000);
  dials[0]?.fail();
  expect(dead()).toBe(0);
  stop();
  await clock.advance(60_000);
  expect(dead()).toBe(0);
});

test("an answer ends the need for a look", async () => {
  const { clock, reach, dials, watch, dead } = reachForTest();
  const stop = watch();
  reach.answered("https://api.example.com");
  stop();
  await clock.advance(60_000);
  expect(dials).toHaveLength(0);
  expect(dead()).toBe(0);
});

test("what one request hears is known to those that wait beside it", async () => {
  const { clock, reach, dials, watch, dead } = reachForTest();
  for (let i = 0; i < 100; i++) watch();
  await clock.advance(4_000);
  reach.answered("https://api.example.com");
  await clock.advance(60_000);
  expect(dials).toHaveLength(0);
  expect(dead()).toBe(0);
  expect(clock.waiting()).toBe(0);
});

test("a pooled connection is possible for 5 minutes after an answer, and never after a mere connection", async () => {
  const { clock, reach, dials, watch } = reachForTest();
  const origin = "https://api.example.com";
  watch();
  await clock.advance(5_000);
  dials[0]?.open();
  expect(reach.hasAnswered(origin)).toBe(false);
  reach.answered(origin);
  await clock.advance(299_999);
  expect(reach.hasAnswered(origin)).toBe(true);
  expect(reach.hasAnswered("https://other.example.com")).toBe(false);
  await clock.advance(1);
  expect(reach.hasAnswered(origin)).toBe(false);
});

test("ports and IPv6 hosts are read from the origin", async () => {
  const { clock, dials, watch } = reachForTest();
  watch("http://[fd00::1]:8080");
  watch("http://plain.example");
  await clock.advance(5_000);
  expect(dials.map(({ host, port }) => `${host} ${port}`)).toEqual(["fd00::1 8080", "plain.example 80"]);
});

test("a real connection on loopback opens, and a closed port fails", async () => {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  const outcome = (): Promise<string> =>
    new Promise((resolve) => {
      tcpConnect(
        "127.0.0.1",
        port,
        () => resolve("open"),
        () => resolve("failed"),
      );
    });
  expect(await outcome()).toBe("open");
  listener.stop(true);
  expect(await outcome()).toBe("failed");
});
