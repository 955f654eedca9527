import { expect, test } from "bun:test";
import { createExpiringCache } from "../../src/routing/expiring-cache.ts";

const at = { ms: 0 };
const memory = (entries: number, ttlMs = 100) => {
  at.ms = 0;
  return createExpiringCache<string>({ entries, ttlMs: () => ttlMs, nowMs: () => at.ms });
};

test("tells what it holds until it is too old", () => {
  const held = memory(3);
  held.set("a", "1");
  at.ms = 99;
  expect(held.get("a")).toBe("1");
  at.ms = 100;
  expect(held.get("a")).toBeNull();
  expect(held.size).toBe(0);
});

test("being asked does not make an entry younger, being set does", () => {
  const held = memory(3);
  held.set("a", "1");
  at.ms = 60;
  held.get("a");
  at.ms = 110;
  expect(held.get("a")).toBeNull();
  held.set("a", "2");
  at.ms = 200;
  expect(held.get("a")).toBe("2");
});

test("the one that was used longest ago goes first", () => {
  const held = memory(2);
  held.set("a", "1");
  held.set("b", "2");
  held.get("a");
  held.set("c", "3");
  expect([held.get("a"), held.get("b"), held.get("c"), held.size]).toEqual(["1", null, "3", 2]);
});

test("nothing is held without room or without age", () => {
  for (const held of [memory(0), memory(5, 0)]) {
    held.set("a", "1");
    expect([held.get("a"), held.size]).toEqual([null, 0]);
  }
});

test("another age holds at once for what is there, and a sweep drops what is too old by then", () => {
  let ttlMs = 100;
  at.ms = 0;
  const held = createExpiringCache<string>({ entries: 3, ttlMs: () => ttlMs, nowMs: () => at.ms });
  held.set("a", "1");
  at.ms = 50;
  held.set("b", "2");
  held.sweep();
  expect(held.size).toBe(2);
  ttlMs = 50;
  held.sweep();
  expect([held.size, held.get("a"), held.get("b")]).toEqual([1, null, "2"]);
  at.ms = 60;
  ttlMs = 10;
  expect(held.get("b")).toBeNull();
});
