import { expect, test } from "bun:test";
import { createGuesses } from "../../src/tenants/guesses.ts";

function house(limits: { limit?: number; maxAddresses?: number } = {}) {
  const clock = { nowMs: 1000 };
  return { clock, guesses: createGuesses({ nowMs: () => clock.nowMs, ...limits }) };
}

test("twenty wrong keys are heard, the next is told to wait for the rest of the minute", () => {
  const { clock, guesses } = house();
  expect(guesses.isQuiet()).toBe(true);
  for (let i = 0; i < 20; i++) expect(guesses.failed("10.0.0.1", `key${i}`)).toBeNull();
  clock.nowMs += 15_000;
  expect(guesses.failed("10.0.0.1", "key20")).toBe(45_000);
  expect(guesses.suspectForMs("10.0.0.1")).toBe(45_000);
  expect(guesses.failed("10.0.0.2", "key0")).toBeNull();
  expect(guesses.suspectForMs("10.0.0.2")).toBeNull();
  expect(guesses.isQuiet()).toBe(false);
});

test("the minute passes, however busy the guesser was", () => {
  const { clock, guesses } = house({ limit: 1 });
  guesses.failed("10.0.0.1", "a");
  clock.nowMs += 59_999;
  expect(guesses.failed("10.0.0.1", "b")).toBe(1);
  clock.nowMs += 1;
  expect(guesses.suspectForMs("10.0.0.1")).toBeNull();
  expect(guesses.failed("10.0.0.1", "b")).toBeNull();
});

test("a client that repeats one stale key is held back, its neighbours are not", () => {
  const { guesses } = house({ limit: 3 });
  for (let i = 0; i < 3; i++) expect(guesses.failed("10.0.0.1", "stale")).toBeNull();
  expect(guesses.failed("10.0.0.1", "stale")).toBe(60_000);
  expect(guesses.suspectForMs("10.0.0.1")).toBeNull();
});

test("an IPv6 network is one guesser", () => {
  const { guesses } = house({ limit: 2 });
  guesses.failed("2001:db8:1:2::1", "a");
  guesses.failed("2001:db8:1:2:ffff:ffff:ffff:ffff", "b");
  expect(guesses.failed("2001:db8:1:2:3::9", "c")).toBe(60_000);
  expect(guesses.failed("2001:db8:1:3::1", "c")).toBeNull();
  expect(guesses.failed("::1", "c")).toBeNull();
});

test("memory is bounded: the account that ends first is dropped", () => {
  const { clock, guesses } = house({ limit: 1, maxAddresses: 2 });
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    guesses.failed(address, "a");
    clock.nowMs += 1;
  }
  expect(guesses.suspectForMs("10.0.0.1")).toBeNull();
  expect(guesses.suspectForMs("10.0.0.2")).not.toBeNull();
  expect(guesses.suspectForMs("10.0.0.3")).not.toBeNull();
});
