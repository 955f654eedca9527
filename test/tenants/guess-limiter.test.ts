import { expect, test } from "bun:test";
import { createGuessLimiter, type GuessLimiterOptions } from "../../src/tenants/guess-limiter.ts";

function openGuesses(limits: Partial<GuessLimiterOptions> = {}) {
  const clock = { nowMs: 1000 };
  return { clock, guessLimiter: createGuessLimiter({ nowMs: () => clock.nowMs, ...limits }) };
}

test("twenty wrong keys are answered at once, the next one a second later", () => {
  const { clock, guessLimiter } = openGuesses();
  for (let i = 0; i < 20; i++) expect(guessLimiter.failed("10.0.0.1")).toBe(0);
  clock.nowMs += 15_000;
  expect(guessLimiter.failed("10.0.0.1")).toBe(1_000);
  expect(guessLimiter.failed("10.0.0.2")).toBe(0);
});

test("the minute passes, however busy the guesser was", () => {
  const { clock, guessLimiter } = openGuesses({ limit: 1 });
  guessLimiter.failed("10.0.0.1");
  clock.nowMs += 59_999;
  expect(guessLimiter.failed("10.0.0.1")).toBe(1_000);
  clock.nowMs += 1;
  expect(guessLimiter.failed("10.0.0.1")).toBe(0);
});

test("an IPv6 network is one guesser, however it is written", () => {
  const { guessLimiter } = openGuesses({ limit: 2 });
  guessLimiter.failed("2001:db8:1:2::1");
  guessLimiter.failed("2001:DB8:1:2:ffff:ffff:ffff:ffff");
  expect(guessLimiter.failed("2001:db8:1:2:3::9")).toBe(1_000);
  expect(guessLimiter.failed("2001:0db8:0001:0002::1")).toBe(1_000);
  expect(guessLimiter.failed("[2001:db8:1:2::7]:443")).toBe(1_000);
  expect(guessLimiter.failed("2001:db8:1:2::1.2.3.4")).toBe(1_000);
  expect(guessLimiter.failed("2001:db8:1:3::1")).toBe(0);
  expect(guessLimiter.failed("::1")).toBe(0);
});

test("an IPv4 address is one guesser: with a port, and as a dual-stack socket writes it", () => {
  const { guessLimiter } = openGuesses({ limit: 2 });
  guessLimiter.failed("10.0.0.1:50000");
  guessLimiter.failed("::ffff:10.0.0.1");
  expect(guessLimiter.failed("10.0.0.1")).toBe(1_000);
  expect(guessLimiter.failed("0:0:0:0:0:FFFF:10.0.0.1")).toBe(1_000);
  expect(guessLimiter.failed("::ffff:10.0.0.2")).toBe(0);
});

test("answers that are kept back at the same time are few: further ones are given at once", () => {
  const { clock, guessLimiter } = openGuesses({ limit: 1, maxHeld: 3 });
  const ask = (): number => guessLimiter.failed("10.0.0.1");
  expect([ask(), ask(), ask(), ask(), ask()]).toEqual([0, 1_000, 1_000, 1_000, 0]);
  clock.nowMs += 999;
  expect(ask()).toBe(0);
  clock.nowMs += 1;
  expect([ask(), ask(), ask(), ask()]).toEqual([1_000, 1_000, 1_000, 0]);
});

test("memory is bounded: the account that ends first is dropped", () => {
  const { clock, guessLimiter } = openGuesses({ limit: 1, maxAddresses: 2 });
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    guessLimiter.failed(address);
    clock.nowMs += 1;
  }
  expect(guessLimiter.failed("10.0.0.3")).toBe(1_000);
  expect(guessLimiter.failed("10.0.0.2")).toBe(1_000);
  expect(guessLimiter.failed("10.0.0.1")).toBe(0);
});

test("one line a minute and address is told, and ten in all, however many there are", () => {
  const told: [string, boolean][] = [];
  const onHeldBack = (network: string, more: boolean): void => void told.push([network, more]);
  const { clock, guessLimiter } = openGuesses({ limit: 1, onHeldBack });
  for (let i = 0; i < 100; i++) guessLimiter.failed("10.0.0.1");
  expect(told).toEqual([["10.0.0.1", false]]);
  for (let address = 0; address < 1_000; address++)
    for (let i = 0; i < 3; i++) guessLimiter.failed(`2001:db8:0:${address.toString(16)}::1`);
  expect(told.length).toBe(10);
  expect(told.at(-1)).toEqual(["2001:db8:0:8::/64", true]);
  clock.nowMs += 60_000;
  for (let i = 0; i < 100; i++) guessLimiter.failed("10.0.0.1");
  expect(told.length).toBe(11);
});
